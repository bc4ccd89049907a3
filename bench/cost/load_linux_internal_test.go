package cost

import (
	"slices"
	"testing"
	"time"
)

// A difference counts if neither side of it was measured late.
func TestBesideALateOne(t *testing.T) {
	good := window{tally: tally{good: 1000, late: 20}, took: time.Second}
	late := window{tally: tally{good: 1000, late: 21}, took: time.Second}
	note := "21 of 1000 requests were sent more than 1ms late: the harness was the bottleneck"
	for _, c := range []struct {
		name       string
		with, bare window
		valid      bool
		notes      []string
	}{
		{"neither", good, good, true, nil},
		{"the proxy's", late, good, false, []string{note}},
		{"the bare one", good, late, false, []string{"without a proxy: " + note}},
	} {
		if h := c.with.beside(c.bare).Harness; h.Valid != c.valid || !slices.Equal(h.Notes, c.notes) {
			t.Errorf("%s late: valid %v, %q; want %v, %q", c.name, h.Valid, h.Notes, c.valid, c.notes)
		}
	}
}
