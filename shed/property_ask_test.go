package shed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

// What requests say of themselves, what the configuration says of routes, and what observing promises; as in property_test.go.

// "Retries that come in a storm count as one class lower": while the first tries of a route wait, none of its retries that came in a storm
// begins before one of them, however far its session has come.
func TestRetriesOfAStormStandBehindFirstTries(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		w.admitted = func(v *visitor) {
			if v.demoted == 0 || v.probe || !v.waited {
				return
			}
			for other := range w.waiting {
				if other.route != v.route || other.Retry || other.arrived < w.configured || v.arrived < w.configured {
					continue
				}
				if *evidence++; other != v {
					w.t.Fatalf("a retry of route %d (stage %d, cohort %d), come in a storm, began before a first try that waits (stage %d, cohort %d)", v.route, v.Stage, v.Cohort, other.Stage, other.Cohort)
				}
			}
		}
		w.refused = func(v *visitor) { // the other side of it: who is turned away is the retry
			if v.demoted > 0 && v.Reason == shed.Displaced {
				*evidence++
			}
		}
	})
}

// "Who would have to wait and cannot be answered before the deadline is refused at once": never who says no deadline, never a route of which
// there is no baseline, never the one a second, never where nobody is in flight; and who has waited for a slot begins in time.
func TestOnlyWhatIsTooLateIsInfeasible(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		var before shed.Snapshot
		w.arrived = func(*visitor) { before = w.snapshot() }
		w.refused = func(v *visitor) {
			if v.Reason != shed.Infeasible {
				return
			}
			*evidence++
			here, there := before.Routes[v.Route.Name()]
			switch {
			case v.Deadline == 0:
				w.t.Fatalf("a request of route %d without a deadline was refused as infeasible", v.route)
			case v.waited, !there:
			case here.Baseline == 0:
				w.t.Fatalf("a request of route %d was refused as infeasible, and there is no baseline", v.route)
			case v.probe:
				w.t.Fatalf("the request a second of route %d was refused as infeasible", v.route)
			case len(w.running)+len(w.waiting) == 0 && w.seen-w.failed > 2500*time.Millisecond:
				w.t.Fatalf("a request of route %d was refused as infeasible by an idle backend", v.route)
			}
		}
		w.admitted = func(v *visitor) {
			if v.waited && v.Deadline > 0 && v.Route.Learned() && w.seen-w.lastRun[v.route] < time.Second {
				if *evidence++; w.seen >= v.Deadline {
					w.t.Fatalf("a request of route %d began to run %v after its deadline", v.route, w.seen-v.Deadline)
				}
			}
		}
	})
}

// Observing refuses nothing: every request runs at once, whatever is in its way, and its ticket says why it would not have.
func TestNobodyIsRefusedByAnObserver(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		w.observe = true
		w.refused = func(v *visitor) { w.t.Fatalf("a request of route %d was refused: %s", v.route, v.Reason) }
		w.after = func(call string) {
			if len(w.waiting) > 0 {
				w.t.Fatalf("after %s %d requests wait", call, len(w.waiting))
			}
		}
		w.admitted = func(v *visitor) {
			if v.Would == shed.Admitted {
				return
			}
			*evidence++
			if v.Would == shed.Errors && w.class[v.route] == 0 {
				w.t.Fatal("it would have refused a request of the most important class because of errors")
			}
		}
	})
}

// Observing decides the same: until it enforces something for the first time (somebody waits, or is refused), a law that acts and one that
// observes the same world measure the same and find the same groups.
func TestObservingFindsTheSame(t *testing.T) {
	groups := 0
	checked(t, func() bool { return groups >= 10 }, func(t *rapid.T) {
		acting := drawWorld(t)
		for i := range acting.weathers { // a clock that is set back counts as the latest time seen: by all calls, or by those that take the lock
			acting.weathers[i].jump = max(acting.weathers[i].jump, 0)
		}
		observing := acting.again()
		observing.observe = true
		var acted bool
		var found []string
		acting.refused = func(*visitor) { acted = true }
		acting.after = func(call string) {
			if acted = acted || len(acting.waiting) > 0; acted || call != "Tick" {
				return
			}
			found = append(found, acting.findings())
			if acted = strings.Contains(found[len(found)-1], " group "); acted { // where it is led from there is what observing can only estimate
				groups++
			}
		}
		acting.run()
		ticks := 0
		observing.after = func(call string) {
			if call != "Tick" || ticks == len(found) {
				return
			}
			if got := observing.findings(); got != found[ticks] {
				t.Fatalf("at tick %d\nobserving %s\nacting    %s", ticks, got, found[ticks])
			}
			ticks++
		}
		observing.run()
	})
	t.Logf("%d groups; want 10", groups)
}

// findings is what is measured of all routes, and who is in which group.
func (w *world) findings() string {
	s := w.snapshot()
	out := fmt.Sprintf("%v", w.now)
	for i, r := range w.routes {
		if r == nil || w.class[i] < 0 {
			continue
		}
		here := s.Routes[r.Name()]
		out += fmt.Sprintf(" %s: %d in flight, baseline %.9f latency %.9f errors %.6f ceiling %.6f", r.Name(), here.InFlight, here.Baseline, here.Latency, here.Errors, here.Ceiling)
	}
	for _, g := range s.Groups {
		out += fmt.Sprintf(" group %s of %v", g.Name, g.Routes)
	}
	return out
}

// Routes that are said to share something begin in the same fate: when a group opens they are all in it, those at least that have never
// been in one. A route that shares nothing is in no group but its own.
func TestSharesBeginInTheSameFate(t *testing.T) {
	inWorlds(t, func(w *world, evidence *int) {
		for i := range w.plan {
			if !w.plan[i].alone {
				w.plan[i].shares = append(slices.Clone(w.plan[i].shares), "all")
			}
		}
		w.weathers[0].lasts, w.weathers[1].slow = 4*time.Second, 20
		known, been := map[string]bool{}, map[int]bool{}
		share := func(a, b int) bool {
			return !w.plan[a].alone && !w.plan[b].alone && slices.ContainsFunc(w.plan[a].shares, func(s string) bool { return slices.Contains(w.plan[b].shares, s) })
		}
		w.after = func(call string) {
			if call != "Tick" {
				return
			}
			now := w.groupOf()
			for _, g := range w.snapshot().Groups {
				for i := range w.plan {
					if now[i] == g.Name && w.plan[i].alone && len(g.Routes) > 1 {
						w.t.Fatalf("route %d, which shares nothing, is in a group with others: %v", i, g.Routes)
					}
					for o := range w.plan {
						first := w.routes[i] != nil && g.Routes[0] == w.routes[i].Name() // it suffers; others may only show symptoms
						if known[g.Name] || !first || w.class[o] < 0 || been[o] || i == o || !share(i, o) {
							continue
						}
						if *evidence++; now[o] != g.Name {
							w.t.Fatalf("group %s of %v has opened without route %d, which shares %v with route %d", g.Name, g.Routes, o, w.plan[o].shares, i)
						}
					}
				}
			}
			for _, g := range w.snapshot().Groups {
				known[g.Name] = true
			}
			for i, g := range now {
				been[i] = been[i] || g != ""
			}
		}
	})
}
