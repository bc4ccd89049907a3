// Package near answers one question: which of the known words was meant?
package near

import "strings"

// longest is the length above which nobody looks for what was meant.
const longest = 60

// Word gives the word at the least edit distance from the text, "" if all are too far to be meant: more than a third
// of the text, and more than two.
func Word(text string, words []string) string {
	best, least := "", max(len(text)/3, min(2, len(text)-1))+1
	if len(text) > longest {
		return ""
	}
	for _, word := range words {
		if len(word) > longest {
			continue
		}
		if n := distance(strings.ToLower(text), word); n < least {
			best, least = word, n
		}
	}
	return best
}

// distance is the number of single-byte insertions, deletions, substitutions and swaps of neighbours that make b of a
// (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
