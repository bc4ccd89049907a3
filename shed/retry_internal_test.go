package shed

import (
	"testing"
	"time"
)

// seconds lets a storm go on for a while at equal counts a tick.
func (s storm) seconds(n, firsts, retries int) storm {
	for range n * int(time.Second/tickEvery) {
		s = s.next(firsts, retries)
	}
	return s
}

func TestStorm(t *testing.T) {
	for _, test := range []struct {
		name            string
		firsts, retries int // a tick
		want            bool
	}{
		{"nothing", 0, 0, false},
		{"no retries", 50, 0, false},
		{"one in fourteen", 70, 5, false},
		{"one in twelve", 60, 5, false},
		{"one in seven", 70, 10, true},
		{"as many as first tries", 5, 5, true},
		{"nothing but retries", 0, 5, true},
		{"negative counts", -5, -5, false},
	} {
		if got := (storm{}).seconds(10, test.firsts, test.retries); got.on != test.want {
			t.Errorf("%s: storm %v, want %v", test.name, got.on, test.want)
		}
	}
}

// A retry or two at night, when there is hardly a request, is no storm.
func TestAFewRetriesAreNoStorm(t *testing.T) {
	s := storm{}
	for range 200 {
		s = s.next(1, 1).next(0, 0).seconds(4, 0, 0)
		if s.on {
			t.Fatal("one retry of one request every four seconds is a storm")
		}
	}
	s = storm{}.seconds(5, 2, 0)
	if s = s.next(2, 1); s.on {
		t.Error("a single retry in calm weather is a storm")
	}
}

// Between the two bounds it stays what it was: it does not flicker.
func TestStormHasHysteresis(t *testing.T) {
	before := storm{}.seconds(10, 100, 7)
	during := storm{}.seconds(10, 100, 30)
	if before.on || !during.on {
		t.Fatalf("storm before %v, during %v; want false, true", before.on, during.on)
	}
	after := during.seconds(60, 100, 7)
	if !after.on {
		t.Error("the storm ended although retries are above a twentieth")
	}
	if ended := after.seconds(10, 100, 3); ended.on {
		t.Error("the storm goes on although retries are below a twentieth")
	}
	if ended := during.seconds(30, 0, 0); ended.on {
		t.Error("the storm goes on although nobody asks any more")
	}
}
