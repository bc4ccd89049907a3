package shed_test

import (
	"strings"
	"testing"
	"time"

	"triage/shed"
)

// traffic is ten requests a tick and route, 20 ms each, for a while.
type traffic struct {
	c      *shed.Controller
	routes []*shed.Route
	now    time.Duration
	// fails says whether the n-th request of a route at an endpoint fails; times multiplies a route's requests.
	fails func(route, endpoint, n int) bool
	times func(route int) int
}

func (f *traffic) run(ticks int) (refused int) {
	n := 0
	for range ticks {
		for range 10 {
			n++
			for i, r := range f.routes {
				for range f.times(i) {
					ticket := &shed.Ticket{Route: r, Cohort: 127, Endpoint: 1 + n%4}
					f.c.Admit(f.now, ticket)
					outcome, took := shed.Success, 20*time.Millisecond
					if f.fails(i, ticket.Endpoint, n) {
						outcome, took = shed.Failure, time.Millisecond
					}
					if ticket.Reason == shed.Errors {
						refused++
					}
					f.c.Done(f.now+took, ticket, outcome, 0)
				}
			}
			f.now += 5 * time.Millisecond
		}
		f.now += 50 * time.Millisecond
		f.c.Tick(f.now)
	}
	return refused
}

// Errors of checkout's own code, or of one endpoint, cost nobody anything; where there is a sign of load the lower classes go.
func TestErrorsWithoutASignOfLoad(t *testing.T) {
	once := func(int) int { return 1 }
	half := func(n int) bool { return n%2 == 0 }
	for _, c := range []struct {
		name   string
		fails  func(route, endpoint, n int) bool
		times  func(route int) int
		touch  bool
		reason string
	}{
		{"checkout alone", func(r, _, n int) bool { return r == 0 && half(n) }, once, false, "nobody else fails"},
		{"one endpoint", func(_, e, _ int) bool { return e == 1 }, once, false, "one endpoint alone"},
		{"somebody else too", func(r, _, n int) bool { return (r == 0 || r == 3) && half(n/2) }, once, true, "climbed"},
		{"a crowd of another route", func(r, _, n int) bool { return r == 0 && half(n) }, func(r int) int { return 1 + 3*(r/3) }, true, "climbed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			controller, routes := newController(t)
			f := &traffic{c: controller, routes: routes, times: once, fails: func(int, int, int) bool { return false }}
			f.run(100)
			f.fails, f.times = c.fails, c.times
			refused := f.run(300)
			if (refused > 0) != c.touch {
				t.Errorf("%d refused in half a minute; want some: %v", refused, c.touch)
			}
			var story []string
			for _, e := range controller.Entries(0, time.Unix(0, 0)) {
				if e.Kind == "level" {
					story = append(story, e.Reason)
				}
			}
			if len(story) == 0 || !strings.Contains(story[0], c.reason) {
				t.Errorf("the record says %q; want it to begin with %q", story, c.reason)
			}
		})
	}
}
