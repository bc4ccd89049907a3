package route

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// RuleError says that a rule is wrong by itself.
type RuleError struct {
	// Rule is the index of the rule.
	Rule       int
	Name       string
	What, Want string
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("rule %q: %s; want %s", e.Name, e.What, e.Want)
}

// TieError says that two rules can cover the same request and neither is more specific.
type TieError struct {
	// A and B are the indices of the rules, A < B.
	A, B         int
	NameA, NameB string
}

func (e *TieError) Error() string {
	return fmt.Sprintf("rules %q and %q can cover the same request and neither is more specific; "+
		"want a difference in host, path, methods or headers", e.NameA, e.NameB)
}

// Errors is what New returns: everything that is wrong, each a *RuleError or a *TieError. Of several rules that tie with
// each other every one is named once, with the first that it ties with.
type Errors []error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the first of a kind.
func (e Errors) Unwrap() []error { return e }

// ties finds the ties in one list of entries of the same host and path, which is sorted by rank.
func ties(entries []entry) []*TieError {
	var found []*TieError
	for i, b := range entries {
		for j := i - 1; j >= 0 && entries[j].rank() == b.rank(); j-- {
			a := entries[j]
			if a.methodRank == impliedMethod || !overlap(a, b) {
				continue
			}
			first, second := a.compiled, b.compiled
			if second.rule < first.rule {
				first, second = second, first
			}
			found = append(found, &TieError{A: first.rule, B: second.rule, NameA: first.name, NameB: second.name})
			break
		}
	}
	return found
}

// inOrder sorts ties by the rules they name: the tree has no order of its own.
func inOrder(tied []*TieError) []error {
	slices.SortFunc(tied, func(a, b *TieError) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	out := make([]error, len(tied))
	for i, t := range tied {
		out[i] = t
	}
	return out
}

// overlap reports whether some request meets the conditions of both, which have the same host, path and rank.
func overlap(a, b entry) bool {
	if len(a.methods) > 0 && !slices.ContainsFunc(a.methods, func(m string) bool { return slices.Contains(b.methods, m) }) {
		return false
	}
	for _, x := range a.headers {
		for _, y := range b.headers {
			if x.name == y.name && !x.present && !y.present && x.want != y.want {
				return false
			}
		}
	}
	return true
}
