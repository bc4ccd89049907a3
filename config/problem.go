package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	File string
	// Line and Column count from 1, the column in characters.
	Line, Column int
	// Path is the place in the configuration, such as "routes[2].match"; "" is the whole of it.
	Path string
	// What is wrong, and what would be right.
	What, Want string
}

// String gives file:line:column: path: what; want.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.What)
	if p.Want != "" {
		b.WriteString("; " + p.Want)
	}
	return b.String()
}

// Problems is every problem of one configuration, in the order of the file.
type Problems []Problem

// Error gives the problems, one a line.
func (ps Problems) Error() string {
	var lines []string
	for _, p := range ps.sorted() {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// sorted gives the problems by position, without repetition: aliases bring what is wrong with one key to several paths.
func (ps Problems) sorted() Problems {
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.What, b.What), cmp.Compare(lastKey(a.Path), lastKey(b.Path)))
	})
	return slices.CompactFunc(sorted, func(a, b Problem) bool {
		return a.Line == b.Line && a.Column == b.Column && a.What == b.What && lastKey(a.Path) == lastKey(b.Path)
	})
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// mistake is what is wrong with a value and what would be right, before it is known where the value stands.
type mistake struct{ what, want string }

func (m mistake) Error() string { return m.what + "; " + m.want }

// clipAt is how many characters of a value are repeated in a problem.
const clipAt = 60

// clip shortens a text that would swamp the line it is shown in.
func clip(s string) string {
	n := 0
	for i := range s {
		if n == clipAt {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// quote shows a value: short, in quotes, with control characters escaped so that a terminal is safe.
func quote(s string) string { return strconv.Quote(clip(s)) }

// segment shows a key in a path: as it is if it is plain, else quoted.
func segment(key string) string {
	if shown := quote(key); shown != `"`+key+`"` || key == "" {
		return shown
	}
	return key
}
