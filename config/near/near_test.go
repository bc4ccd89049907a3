package near_test

import (
	"strings"
	"testing"

	"triage/config/near"
)

func TestWord(t *testing.T) {
	words := []string{"timeout", "priority", "name", "to"}
	cases := []struct{ in, want string }{
		{"timeuot", "timeout"}, {"Timeout", "timeout"}, {"time_out", "timeout"}, {"prio", ""}, {"priorty", "priority"},
		{"nmae", "name"}, {"x", ""}, {"ot", "to"}, {"", ""}, {strings.Repeat("name", 100), ""},
	}
	for _, c := range cases {
		if got := near.Word(c.in, words); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}
