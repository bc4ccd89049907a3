package shed_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"triage/shed"
)

// A decision allocates nothing, whichever way it is made.
func TestDecisionsAllocateNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget")
	}
	open, routes := taught(t, 4, 4)
	grouped, members := taught(t, 4, 4)
	grouped.Controller().Gather(grouped.Age(), members[0], members[1])
	bound, few := taught(t, 4, 4)
	bound.Controller().Gather(bound.Age(), few[0], few[1])
	narrow(bound, few[0])
	levelled, under := taught(t, 4, 4)
	levelled.Controller().ForceLevel(levelled.Age(), 2, under[0])
	crowded, r := full(t)
	for name, c := range map[string]struct {
		gate  *shed.Gate
		route *shed.Route
		want  bool
	}{
		"open": {open, routes[0], true}, "in a group": {grouped, members[0], true}, "in a group with few slots": {bound, few[0], true}, "refused by the level": {levelled, under[3], false}, "refused by a full room": {crowded, r, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := pair(c.gate, c.route, 100); got != c.want {
				t.Fatalf("admitted: %v, want %v", got, c.want)
			}
			if allocs := testing.AllocsPerRun(1000, func() { pair(c.gate, c.route, 100) }); allocs > 0 {
				t.Errorf("%v allocations, want none", allocs)
			}
		})
	}
}

// The benchmarks and the test above measure what they say: the open way is open, a group's as long as slots are left.
func TestWhichWay(t *testing.T) {
	g, routes := taught(t, 4, 4)
	if !routes[0].Open() {
		t.Error("a route that is well needs the lock")
	}
	g.Controller().Gather(g.Age(), routes[0], routes[1])
	if !routes[0].Open() || !routes[1].Open() || !routes[2].Open() {
		t.Error("there is room in the group, and a route needs the lock")
	}
	if pair(g, routes[0], 0); !routes[0].Open() {
		t.Error("a request came and went, there is room in the group, and its route needs the lock")
	}
	narrow(g, routes[0])
	if routes[0].Open() || routes[1].Open() || !routes[2].Open() {
		t.Error("the group has hardly a slot left and the door of a member is open, or another's is shut")
	}
	g.Controller().Scatter(g.Age())
	if !routes[0].Open() {
		t.Error("the group is gone and the route still needs the lock")
	}
	large, crowd := taught(t, 17, 17)
	large.Controller().Gather(large.Age(), crowd[:16]...)
	if !crowd[0].Open() || !crowd[15].Open() {
		t.Error("sixteen routes are in a group with room, and one needs the lock")
	}
	large.Controller().Scatter(large.Age())
	if large.Controller().Gather(large.Age(), crowd...); crowd[0].Open() || crowd[16].Open() {
		t.Error("a group of seventeen routes lends slots: whoever takes the lock pays for all of their doors")
	}
	if _, r := full(t); r.Open() {
		t.Error("the door is open although requests wait behind it")
	}
}

// What is said to need no lock gets by while somebody holds it: a tick over very many routes holds nobody up.
func TestNoLockIsNoLock(t *testing.T) {
	open, routes := taught(t, 4, 4)
	grouped, members := taught(t, 4, 4)
	grouped.Controller().Gather(grouped.Age(), members[0], members[3])
	levelled, under := taught(t, 4, 4)
	levelled.Controller().ForceLevel(levelled.Age(), 2, under[0])
	crowded, r := full(t)
	for name, c := range map[string]struct {
		gate  *shed.Gate
		route *shed.Route
		want  bool
	}{"open": {open, routes[0], true}, "in a group": {grouped, members[3], true}, "refused by the level": {levelled, under[3], false}, "refused by a full room": {crowded, r, false}} {
		t.Run(name, func(t *testing.T) {
			c.route.Probed(c.gate.Age())
			admitted := make(chan bool, 1)
			c.gate.Under(func(time.Duration, *shed.Controller) {
				go func() { admitted <- pair(c.gate, c.route, 100) }()
				select {
				case got := <-admitted:
					if got != c.want {
						t.Errorf("admitted: %v, want %v", got, c.want)
					}
				case <-time.After(10 * time.Second):
					t.Error("waits for the lock")
				}
			})
		})
	}
}

// When the controller dies everything passes, also what was refused without asking it, and what comes back does no harm.
func TestABrokenGateIsOpen(t *testing.T) {
	for name, kill := range map[string]func(*shed.Gate, []*shed.Route){
		"on the way without the lock": func(g *shed.Gate, _ []*shed.Route) { g.Enter(context.Background(), shed.Ask{}) },
		"in a tick": func(g *shed.Gate, routes []*shed.Route) {
			g.Under(func(time.Duration, *shed.Controller) { panic("a defect") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, routes := taught(t, 4, 4)
			running, _, _ := g.Enter(context.Background(), shed.Ask{Route: routes[0]})
			g.Controller().ForceLevel(g.Age(), 2, routes[0])
			for range 200 {
				g.Controller().Admit(g.Age(), &shed.Ticket{Route: routes[1]})
			}
			if pair(g, routes[3], 0) || pair(g, routes[1], 100) {
				t.Fatal("not refused while the gate is whole: the test shows nothing")
			}
			kill(g, routes)
			if g.Snapshot().Broken == "" {
				t.Fatal("the gate does not say that it is broken")
			}
			for i, r := range routes {
				for range 100 {
					if slot, no, _ := g.Enter(context.Background(), shed.Ask{Route: r, Cohort: shed.Cohorts - 1}); no != (shed.Refusal{}) {
						t.Fatalf("route %d is refused: %+v", i, no)
					} else {
						slot.Done(shed.Success, 0)
					}
				}
			}
			running.Done(shed.Success, 0)
			g.Tick()
		})
	}
}

// A route that is refused everything still gets one request a second through, though most of its refusals need no lock.
func TestProbesPassAFullRoom(t *testing.T) {
	g, r := full(t)
	passed := 0
	for range 50 {
		g.Advance(100 * time.Millisecond)
		for range 10 {
			slot, no, _ := g.Enter(context.Background(), shed.Ask{Route: r, Cohort: 100})
			if no.Reason == shed.Admitted {
				passed++
			}
			defer slot.Done(shed.Success, 0)
		}
	}
	if passed != 5 {
		t.Errorf("%d requests passed in 5 s, want 5", passed)
	}
}

// A refusal without the lock gives the same reason and the same advice as one with it.
func TestRefusalsTellTheSame(t *testing.T) {
	g, routes := taught(t, 4, 4)
	c := g.Controller()
	c.Gather(g.Age(), routes[0], routes[3])
	g.Advance(20 * time.Second)
	routes[3].Probed(g.Age())
	for range 1000 {
		c.Admit(g.Age(), &shed.Ticket{Route: routes[0]})
	}
	if c.Pass(g.Age(), &shed.Ticket{Route: routes[3], Cohort: 100}) != true {
		t.Fatal("the lock was needed: the test shows nothing")
	}
	_, no, _ := g.Enter(context.Background(), shed.Ask{Route: routes[3], Cohort: 100})
	if no.Reason != shed.Limit || no.RetryAfter < 10*time.Second || no.RetryAfter > 11*time.Second {
		t.Errorf("refused with %q and %v, want %q and half of the 20 s that the group lasts", no.Reason, no.RetryAfter, shed.Limit)
	}
}

// What has lasted is likely to last for half as long again; never less than a second, never more than half a minute, and a route that merely
// outgrew its headroom is served in a moment.
func TestRetryAfterIsHonest(t *testing.T) {
	g, routes := taught(t, 4, 4)
	c := g.Controller()
	now := g.Age()
	c.Gather(now, routes[0])
	c.ForceLevel(now, 1, routes[0])
	for lasted, want := range map[time.Duration]time.Duration{
		0: time.Second, time.Second: time.Second, 8 * time.Second: 4 * time.Second, 50 * time.Second: 25 * time.Second, time.Hour: 30 * time.Second, -time.Hour: time.Second,
	} {
		for route, why := range map[*shed.Route]shed.Reason{routes[0]: shed.Limit, routes[1]: shed.Errors} {
			if got := c.RetryAfter(now+lasted, route, why); got != want {
				t.Errorf("%s for %v: wait %v, want %v", why, lasted, got, want)
			}
		}
		if got := c.RetryAfter(now+lasted, routes[1], shed.Headroom); got != time.Second {
			t.Errorf("headroom after %v: wait %v, want a second", lasted, got)
		}
	}
}

// Idle routes are left alone by the tick, and wake up as they fell asleep.
func TestIdleRoutesSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, routes := taught(t, 100, 4)
		c := g.Controller()
		if got := c.Awake(); got != 4 {
			t.Errorf("%d routes are awake, want the 4 that have traffic", got)
		}
		before := g.Snapshot().Routes["r0"]
		for range 600 {
			g.Advance(shed.TickEvery)
			g.Tick()
		}
		if got := c.Awake(); got != 0 {
			t.Errorf("%d routes are awake after a minute without traffic", got)
		}
		pair(g, routes[0], 0)
		g.Tick()
		if got := c.Awake(); got != 1 {
			t.Errorf("%d routes are awake, want the one that was asked for", got)
		}
		after := g.Snapshot().Routes["r0"]
		if after.Baseline != before.Baseline || after.Ceiling >= before.Ceiling {
			t.Errorf("before the minute %+v, after it %+v; want the same baseline and a lower ceiling", before, after)
		}
	})
}
