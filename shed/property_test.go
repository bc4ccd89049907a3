package shed_test

import (
	"cmp"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

// The tests of this file are the sentences of the package comment, one each, in drawn worlds. Each has a count of how often it could
// have failed: a sentence about groups is not proved by worlds without one.

// enough is how often a sentence has to be put to the test.
const enough = 20

// checked looks at drawn worlds, and at more of them while those have shown too little: how much they show is chance.
func checked(t *testing.T, shown func() bool, look func(*rapid.T)) {
	t.Helper()
	for range 10 {
		// Thinned worlds look for races; what they show of the sentence is chance.
		if rapid.Check(t, look); raceDetector || shown() {
			return
		}
	}
	t.Error("the worlds show nothing")
}

// inWorlds runs a test in many worlds; evidence is how often the sentence was put to the test.
func inWorlds(t *testing.T, look func(w *world, evidence *int)) {
	t.Helper()
	evidence := 0
	checked(t, func() bool { return evidence >= enough }, func(t *rapid.T) {
		w := drawWorld(t)
		look(w, &evidence)
		w.run()
	})
	t.Logf("%d occasions to be wrong; want %d", evidence, enough)
}

// snapshot is the controller's state.
func (w *world) snapshot() shed.Snapshot { return w.c.Snapshot(time.Unix(0, 0)) }

// groupOf gives the names of the groups by route.
func (w *world) groupOf() []string {
	s := w.snapshot()
	groups := make([]string, len(w.routes))
	for i, r := range w.routes {
		if r != nil && w.class[i] >= 0 {
			groups[i] = s.Routes[r.Name()].Group
		}
	}
	return groups
}

// "Every ticket comes back exactly once": what the controller counts is what is out there, through faults, late ticks, jumping clocks,
// groups that open, merge and close, and configurations that take routes away and bring them back.
func TestTicketsOfDrawnWorldsComeBack(t *testing.T) {
	evidence := 0
	checked(t, func() bool { return evidence >= enough }, func(t *rapid.T) {
		w := drawWorld(t)
		var all []*visitor
		w.arrived = func(v *visitor) { all = append(all, v) }
		w.after = func(call string) {
			if call != "Tick" && w.turn%8 != 0 {
				return
			}
			running, waiting := map[*shed.Route]int{}, map[*shed.Route]int{}
			for v := range w.running {
				running[v.Route]++
			}
			for v := range w.waiting {
				waiting[v.Route]++
			}
			s := w.snapshot()
			for i, r := range w.routes {
				if r == nil || w.class[i] < 0 {
					continue
				}
				if got := s.Routes[r.Name()]; got.InFlight != running[r] || got.Queued != waiting[r] {
					t.Fatalf("after %s %s has %d in flight and %d waiting; out there are %d and %d", call, r.Name(), got.InFlight, got.Queued, running[r], waiting[r])
				}
			}
			for _, g := range s.Groups {
				evidence += g.Queued
			}
		}
		w.run()
		w.rest()
		for _, v := range all {
			if v.ended != 1 || v.begun > 1 {
				t.Fatalf("a request of route %d began %d times and ended %d times", v.route, v.begun, v.ended)
			}
		}
	})
	t.Logf("%d waited in groups; want %d", evidence, enough)
}

// "Inside a group nobody waits behind a less important request": who begins to run is better than all who wait in its group, by class,
// then by stage, then by cohort; but for the one request a second of its route that always passes.
func TestNobodyIsOvertaken(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		var before []string
		var begun []*visitor
		w.arrived = func(v *visitor) {
			before, begun = nil, begun[:0]
			if len(w.waiting) > 0 {
				before = w.groupOf()
			}
		}
		w.admitted = func(v *visitor) { begun = append(begun, v) }
		w.after = func(call string) {
			if len(w.waiting) == 0 {
				before, begun = nil, begun[:0]
				return
			}
			after := w.groupOf()
			for _, v := range begun {
				group := after[v.route]
				if group == "" || v.probe || before == nil || before[v.route] != group {
					continue // its group has just changed: what it had to wait behind has too
				}
				for other := range w.waiting {
					if after[other.route] != group || before[other.route] != group {
						continue
					}
					*evidence++
					if w.better(other, v) {
						w.t.Fatalf("%s let a request of class %d, cohort %d run before one of class %d, cohort %d of the same group", call, w.class[v.route], v.Cohort, w.class[other.route], other.Cohort)
					}
				}
			}
			before, begun = after, begun[:0]
		}
	})
}

// better reports whether one goes before the other. A configuration may have changed classes while they waited, so only those count
// that have come since.
func (w *world) better(a, b *visitor) bool {
	if a.arrived < w.configured || b.arrived < w.configured {
		return false
	}
	return cmp.Or(cmp.Compare(w.class[a.route]+a.demoted, w.class[b.route]+b.demoted), cmp.Compare(b.Stage, a.Stage), cmp.Compare(a.Cohort, b.Cohort)) < 0
}

// Who is turned away because the room is full is no better than anybody who stays.
func TestTheWorstIsTurnedAway(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		var gone []*visitor
		w.refused = func(v *visitor) {
			if v.Reason == shed.Displaced || v.Reason == shed.Limit {
				gone = append(gone, v)
			}
		}
		w.after = func(call string) {
			if len(gone) == 0 || len(w.waiting) == 0 {
				gone = gone[:0]
				return
			}
			groups := w.groupOf()
			for _, v := range gone {
				for other := range w.waiting {
					if groups[other.route] == "" || groups[other.route] != groups[v.route] || call != "Admit" {
						continue
					}
					*evidence++
					if w.better(v, other) {
						w.t.Fatalf("a request of class %d, cohort %d was refused (%s) while one of class %d, cohort %d waits", w.class[v.route], v.Cohort, v.Reason, w.class[other.route], other.Cohort)
					}
				}
			}
			gone = gone[:0]
		}
	})
}

// "A route of which nothing was admitted for a second always passes one request", whatever the limit, the level and the waiting room.
func TestEveryRouteHasItsProbe(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		due := func(v *visitor) bool { return w.class[v.route] >= 0 && v.probe }
		kept := func(v *visitor) {
			if due(v) && v.begun == 0 {
				w.t.Fatalf("nothing of route %d was admitted for %v, and its next request was refused: %s", v.route, w.seen-w.lastRun[v.route], v.Reason)
			}
		}
		w.refused = kept
		w.after = func(call string) {
			if call != "Admit" {
				return
			}
			for v := range w.waiting {
				kept(v)
			}
		}
		w.admitted = func(v *visitor) {
			if due(v) {
				*evidence++
			}
		}
	})
}

// Errors cost the most important class nothing.
func TestErrorsNeverRefuseTheMostImportant(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		w.refused = func(v *visitor) {
			if w.class[v.route] != 0 {
				return
			}
			*evidence++
			if v.Reason == shed.Errors {
				w.t.Fatal("a request of the most important class was refused because of errors")
			}
		}
	})
}

// Whatever happens, limits are finite and at least 1, and every number that is shown is one.
func TestNumbersStayNumbers(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		w.after = func(call string) {
			if call != "Tick" {
				return
			}
			s := w.snapshot()
			for name, r := range s.Routes {
				for what, v := range map[string]float64{"ceiling": r.Ceiling, "baseline": r.Baseline, "latency": r.Latency, "errors": r.Errors} {
					if !(v >= 0) || math.IsInf(v, 0) {
						w.t.Fatalf("route %s: %s is %v", name, what, v)
					}
				}
			}
			for _, g := range s.Groups {
				*evidence++
				if !(g.Limit >= 1) || math.IsInf(g.Limit, 0) || !(g.Slowness >= 1) || math.IsInf(g.Slowness, 0) || !(g.Pressure >= 0) || math.IsInf(g.Pressure, 0) {
					w.t.Fatalf("group %s: limit %v, slowness %v, pressure %v; want 1 or more, 1 or more, 0 or more, and finite", g.Name, g.Limit, g.Slowness, g.Pressure)
				}
				if g.InFlight < 0 || g.Queued < 0 || len(g.Routes) == 0 {
					w.t.Fatalf("group %s has %d routes, %d in flight and %d waiting", g.Name, len(g.Routes), g.InFlight, g.Queued)
				}
			}
			for _, e := range w.c.Entries(0, time.Unix(0, 0)) {
				if math.IsNaN(e.From) || math.IsNaN(e.To) || math.IsInf(e.From, 0) || math.IsInf(e.To, 0) {
					w.t.Fatalf("entry %+v", e)
				}
			}
		}
	})
}

// With nothing in flight on the whole upstream, nobody waiting and no failure in the last moments (longer than any baseline here), a request
// runs at once, unless the level holds its class back because of errors.
func TestNobodyWaitsForAnIdleBackend(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		var idle *visitor
		w.arrived = func(v *visitor) {
			if idle = nil; len(w.running)+len(w.waiting) == 0 && w.seen-w.failed > 2500*time.Millisecond {
				idle = v
			}
		}
		w.admitted = func(v *visitor) {
			if v == idle {
				*evidence++
			}
		}
		w.after = func(call string) {
			if idle != nil && idle.begun == 0 && idle.Reason != shed.Errors {
				w.t.Fatalf("the backend is idle, and a request of route %d waits or was refused: %q", idle.route, idle.Reason)
			}
			idle = nil
		}
	})
}

// "A route that stands by itself has no ceiling until it has had a learned baseline": nothing of it is refused while nothing is known,
// unless errors or answers that do not come at all speak against it.
func TestNothingIsRefusedBeforeABaselineIsKnown(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		var before shed.Snapshot
		lost := map[int]int{}
		w.arrived = func(v *visitor) { before = w.snapshot() }
		w.finished = func(v *visitor, o shed.Outcome) {
			if o == shed.Timeout || o == shed.Abandoned {
				lost[v.route]++
			}
		}
		unknown := func(v *visitor) bool {
			r, there := before.Routes[v.Route.Name()]
			return there && r.Baseline == 0 && r.Group == "" && w.class[v.route] >= 0
		}
		w.refused = func(v *visitor) {
			if v.arrived == w.now && unknown(v) && v.Reason != shed.Errors && lost[v.route] < 10 {
				w.t.Fatalf("a request of route %d was refused (%s), though nothing is known of it and %d answers were lost", v.route, v.Reason, lost[v.route])
			}
		}
		w.admitted = func(v *visitor) {
			if v.arrived == w.now && unknown(v) {
				*evidence++
			}
		}
	})
}
