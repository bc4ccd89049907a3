// Package plot answers one question: how do records look to people?
//
// It makes, of one record or several, a page that needs nothing from elsewhere (no scripts, fonts, pictures; its own policy forbids the browser to load
// any), for light and dark, wide and narrow; Markdown and JSON with the same tables; and a single picture. All are functions of the
// records: whoever has those can make them again.
//
// # What is shown
//
// Runs of one scenario stand together, whatever seed has drawn it. A table's value is the median of a peer's valid runs, with the least and the most beside
// it. Charts show a single run, the one whose first measure is the median, because a mean of several courses is the course of none; peers of one scenario
// are drawn to the same scale. A peer that was absent has a row that says why.
//
// Shares of classes are of what users wanted while something was wrong, if a phase says that something was; else of everything.
//
// # Where a number is from
//
// Records are numbered R1, R2, … and named with their digest at the end of the page. Every value says on which runs and which field of which record it rests:
// as a title where the pointer stands on it, and below each table and chart.
//
// # Not done
//
// Nothing is measured or judged here but sums, shares, medians. Two records are compared by package diff.
package plot
