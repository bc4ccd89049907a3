// Package record answers one question: what was measured, of what, with what, where, and how would one see it again?
//
// A Record is one command's results in one file of JSON: `bench run`, `bench compare` and `bench cost` write the same shape. It holds what it
// takes to run the same again (command, scenario as drawn, seed, versions), what one has to know of the place (machine, load before, what
// the harness says of itself), and everything that a table or a chart is made of: whoever has the file can make them again.
//
// # What is in it
//
//	scenarios   what was asked: the drawn numbers, the phases with their times; a case of `bench cost` is one too
//	peers       what was asked, with versions and configuration; a peer that was not there stays, with the reason
//	measures    what the values mean: unit, goal, by how much two runs of the same differ
//	runs        a peer in a scenario, once: series, histograms, gauges, values, harness
//
// A run's series have one number for each second since its beginning, by route; a route belongs to one class. Offered, Served, Degraded,
// Refused, Failed and Aborted count wishes, each once however often it was tried, in the second in which it arose; of every
// second Offered is the sum of the other five, but for wishes that were between two attempts when the run ended. Attempts and Reasons count attempts, in the second of their instant.
// Oracle is what a server that knows the backend's capacity at every moment would have served of the same wishes.
//
// Latencies run from the intended instant, in microseconds, of attempts that were answered (served, degraded) or given up at the client's
// deadline: percentiles for each second, exact; and a histogram for each class and phase. A Histogram is written as other tools read it:
// HdrHistogram V2, compressed, base64, three significant figures.
//
// A value that does not apply is null (Number).
//
// # Versions
//
// Schema is the shape's number. It is raised when a field changes its meaning or goes; a field that is added does not raise it, and whoever
// does not know it passes over it. Read refuses what is newer than this program, and what does not hold together: a chart of a broken
// record would be a lie.
//
// # Promised
//
// Write puts the whole file in the place of the one before or leaves that as it was, also when the disk is full; so what was
// measured until then is kept if it is called after every run. A Collector may be told by many goroutines, and
// keeps 4 bytes an attempt.
//
// # Not done
//
// Nothing is judged here: package plot shows, diff compares.
package record
