package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing that is wrong with a file of scenarios.
type Mistake struct {
	File string
	// Line and Column count from 1.
	Line, Column int
	// Path is the place in the file, such as "mine.phases[1].boost"; "" is the whole of it.
	Path string
	// What is wrong and, behind a semicolon, what would be right.
	What string
}

// String gives file:line:column: path: what.
func (m Mistake) String() string {
	place := fmt.Sprintf("%s:%d:%d: ", m.File, m.Line, m.Column)
	if m.Path != "" {
		place += m.Path + ": "
	}
	return place + m.What
}

// Mistakes is everything that is wrong with a file, in its order.
type Mistakes []Mistake

// Error gives the mistakes, one a line.
func (ms Mistakes) Error() string {
	var lines []string
	for _, m := range ms {
		lines = append(lines, m.String())
	}
	return strings.Join(lines, "\n")
}

// sorted puts them in the order of the file, each once.
func (ms Mistakes) sorted() Mistakes {
	slices.SortStableFunc(ms, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.What, b.What))
	})
	return slices.CompactFunc(ms, func(a, b Mistake) bool { return a.Line == b.Line && a.Column == b.Column && a.What == b.What })
}
