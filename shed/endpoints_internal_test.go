package shed

import (
	"math"
	"testing"
	"time"
)

// tallied counts outcomes: pairs of completed and failed, one an endpoint.
func tallied(pairs ...[2]int) *endpoints {
	e := &endpoints{}
	for i := len(pairs) - 1; i >= 0; i-- { // the second endpoint makes the table
		for n := range pairs[i][0] {
			e.add(i+1, n < pairs[i][1], 1)
		}
	}
	return e
}

func TestOneEndpointAlone(t *testing.T) {
	for _, c := range []struct {
		name  string
		pairs [][2]int
		want  bool
	}{
		{"nothing", nil, false},
		{"nobody fails", [][2]int{{50, 0}, {50, 0}}, false},
		{"one of one", [][2]int{{50, 40}}, false},
		{"one of four", [][2]int{{25, 15}, {25, 0}, {25, 0}, {25, 0}}, true},
		{"one of four, a few requests", [][2]int{{5, 4}, {5, 0}, {5, 0}, {5, 0}}, true},
		{"one of four, too few", [][2]int{{2, 2}, {5, 0}, {5, 0}, {5, 0}}, false},
		{"one of two", [][2]int{{50, 25}, {50, 1}}, true},
		{"all four", [][2]int{{25, 10}, {25, 12}, {25, 9}, {25, 11}}, false},
		{"one is worst, the others fail too", [][2]int{{25, 25}, {25, 5}, {25, 6}, {25, 5}}, false},
		{"it gets nearly everything", [][2]int{{97, 30}, {1, 0}, {1, 0}, {1, 0}}, false},
		{"the others are idle", [][2]int{{50, 50}, {0, 0}}, false},
	} {
		e := tallied(c.pairs...)
		if got := e.alone(e.worst(), defaultObjective); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Being the only one needs no proof, but it ends with the others' first error.
func TestOnlyEndpoint(t *testing.T) {
	for _, c := range []struct {
		name  string
		pairs [][2]int
		want  bool
	}{
		{"the first error", [][2]int{{25, 1}, {25, 0}, {25, 0}, {25, 0}}, true},
		{"the first error of two", [][2]int{{5, 1}, {5, 0}}, true},
		{"the only endpoint", [][2]int{{50, 1}}, false},
		{"one error elsewhere", [][2]int{{25, 20}, {25, 1}, {25, 0}, {25, 0}}, false},
		{"a few everywhere", [][2]int{{100, 4}, {100, 3}, {100, 2}, {100, 3}}, false},
		{"many everywhere", [][2]int{{100, 90}, {100, 20}, {100, 20}, {100, 25}}, false},
	} {
		e := tallied(c.pairs...)
		if got := e.only(1); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Endpoints that nobody knows do not count, nor do absurd numbers; what was long ago is forgotten.
func TestEndpointsForget(t *testing.T) {
	e := tallied([2]int{100, 50}, [2]int{100, 0})
	for _, absurd := range []int{0, -1, math.MinInt, endpointsMost + 1, math.MaxInt} {
		e.add(absurd, true, 1)
	}
	if len(e.known()) != 3 || e.worst() != 1 || !e.alone(1, defaultObjective) || e.alone(2, defaultObjective) || e.alone(math.MaxInt, defaultObjective) {
		t.Fatalf("%d places, the worst is %d; want three and the first alone", len(e.known()), e.worst())
	}
	for range 200 {
		e.fade()
	}
	if one, others, _ := e.compare(1); one != (outcomes{}) || others != (outcomes{}) {
		t.Errorf("twenty seconds later there is %v and %v left; want nothing", one, others)
	}
	if e.alone(1, defaultObjective) {
		t.Error("twenty seconds later the errors still count")
	}
}

// One success in eight is counted eight times, whatever the clock's grain.
func TestSuccessesAreCountedNowAndThen(t *testing.T) {
	for _, grain := range []time.Duration{1, time.Microsecond, time.Millisecond, 100 * time.Millisecond} {
		n := 0
		for i := range 100_000 {
			if counted(time.Duration(i) * grain) {
				n++
			}
		}
		if n < 11_500 || n > 13_500 {
			t.Errorf("with a grain of %v %d of 100000 are counted, want an eighth", grain, n)
		}
	}
}
