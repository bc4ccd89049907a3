package shed_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

var settings = shed.Settings{Classes: 4, Routes: []shed.RouteSettings{
	{Name: "checkout", Class: 0}, {Name: "cart", Class: 1}, {Name: "search", Class: 2}, {Name: "recommendations", Class: 3},
}}

func newController(t interface {
	Helper()
	Fatal(...any)
}) (*shed.Controller, []*shed.Route) {
	t.Helper()
	c, err := shed.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	routes, err := c.Configure(0, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c, routes
}

func inFlight(c *shed.Controller) (running, waiting int) {
	for _, s := range c.Snapshot(time.Unix(0, 0)).Routes {
		running += s.InFlight
		waiting += s.Queued
	}
	return running, waiting
}

// Every ticket comes back exactly once, whatever is done in whatever order at whatever time: what the controller counts is what
// is out there, and nobody is forgotten in the waiting room.
func TestTicketsAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, routes := newController(t)
		now := time.Duration(0)
		var running, waiting []*shed.Ticket
		woken := func() {
			for _, ticket := range c.Woken() {
				for i, w := range waiting {
					if w == ticket {
						waiting = append(waiting[:i], waiting[i+1:]...)
						break
					}
				}
				if ticket.Running() {
					running = append(running, ticket)
				}
			}
		}
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			now += time.Duration(rapid.Int64Range(-int64(50*time.Millisecond), int64(200*time.Millisecond)).Draw(t, "dt"))
			switch rapid.IntRange(0, 9).Draw(t, "op") {
			case 0, 1, 2, 3:
				ticket := &shed.Ticket{Route: routes[rapid.IntRange(0, 3).Draw(t, "route")], Stage: rapid.Uint8Range(0, 3).Draw(t, "stage"), Cohort: rapid.Uint16Range(0, shed.Cohorts-1).Draw(t, "cohort")}
				c.Admit(now, ticket)
				if ticket.Running() {
					running = append(running, ticket)
				} else if ticket.Waiting() {
					waiting = append(waiting, ticket)
				}
			case 4, 5, 6:
				if n := len(running); n > 0 {
					i := rapid.IntRange(0, n-1).Draw(t, "done")
					outcome := shed.Outcome(rapid.IntRange(0, int(shed.NotSent)).Draw(t, "outcome"))
					c.Done(now, running[i], outcome, time.Duration(rapid.Int64().Draw(t, "waited")))
					c.Done(now, running[i], outcome, 0) // a second time changes nothing
					running = append(running[:i], running[i+1:]...)
				}
			case 7:
				if n := len(waiting); n > 0 {
					i := rapid.IntRange(0, n-1).Draw(t, "leave")
					if !c.Leave(now, waiting[i]) || c.Leave(now, waiting[i]) {
						t.Fatal("a waiting ticket leaves once")
					}
					waiting = append(waiting[:i], waiting[i+1:]...)
				}
			default:
				c.Tick(now)
			}
			woken()
			gotRunning, gotWaiting := inFlight(c)
			if gotRunning != len(running) || gotWaiting != len(waiting) {
				t.Fatalf("controller counts %d running and %d waiting; out there are %d and %d", gotRunning, gotWaiting, len(running), len(waiting))
			}
		}
		for _, ticket := range running {
			c.Done(now, ticket, shed.Success, 0)
		}
		for range 200 {
			now += shed.TickEvery
			c.Tick(now)
			for _, ticket := range c.Woken() {
				c.Done(now, ticket, shed.Success, 0)
			}
		}
		if running, waiting := inFlight(c); running != 0 || waiting != 0 {
			t.Fatalf("after everything came back %d run and %d wait", running, waiting)
		}
	})
}

// drive sends requests of a route at a rate, each taking service, and ticks, until all are back; it gives what was refused.
func drive(c *shed.Controller, r *shed.Route, now *time.Duration, lasts time.Duration, rate float64, service time.Duration) (refused int) {
	var traffic traffic
	refused = traffic.drive(c, r, now, lasts, rate, service)
	for _, f := range traffic.flights {
		*now = max(*now, f.ends)
		c.Done(*now, f.ticket, shed.Success, 0)
	}
	return refused
}

// traffic is what is in flight of requests that go on and on.
type traffic struct {
	flights  []journey
	nextTick time.Duration
}

type journey struct {
	ticket *shed.Ticket
	ends   time.Duration
}

// drive is like the function; what is in flight at the end stays. No two answers take quite the same time: where all do, the last bit of
// a sum decides.
func (f *traffic) drive(c *shed.Controller, r *shed.Route, now *time.Duration, lasts time.Duration, rate float64, service time.Duration) (refused int) {
	dice := rand.New(rand.NewPCG(uint64(service), uint64(rate)))
	gap := time.Duration(float64(time.Second) / rate)
	f.nextTick = max(f.nextTick, *now)
	for end := *now + lasts; *now < end; *now += gap {
		for ; f.nextTick <= *now; f.nextTick += shed.TickEvery {
			c.Tick(f.nextTick)
		}
		f.flights = slices.DeleteFunc(f.flights, func(j journey) bool {
			if j.ends > *now {
				return false
			}
			c.Done(j.ends, j.ticket, shed.Success, 0)
			return true
		})
		t := &shed.Ticket{Route: r}
		c.Admit(*now, t)
		if !t.Running() {
			refused++
			c.Leave(*now, t)
			continue
		}
		f.flights = append(f.flights, journey{t, *now + time.Duration(float64(service)*(0.95+0.1*dice.Float64()))})
	}
	return refused
}

// Nothing is refused while the backend keeps pace, however unimportant the route and however fast its traffic grows.
func TestNothingIsRefusedWhileTheBackendKeepsPace(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	for rate := 20.0; rate < 4000; rate *= 1.3 {
		if refused := drive(c, routes[3], &now, 2*time.Second, rate, 20*time.Millisecond); refused > 0 {
			t.Errorf("at %.0f requests a second %d were refused; the backend answers in the time it always takes", rate, refused)
		}
	}
}

// A backend that becomes slower without being overloaded costs one experiment of about a second; from then on everything that is
// offered is served.
func TestSlownessIsNoOverload(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	var traffic traffic
	traffic.drive(c, routes[3], &now, 5*time.Second, 200, 20*time.Millisecond)
	if refused := traffic.drive(c, routes[3], &now, 3*time.Second, 200, 50*time.Millisecond); refused > 200 {
		t.Errorf("finding out cost %d of 600 requests; want 200 at most", refused)
	}
	if refused := traffic.drive(c, routes[3], &now, 20*time.Second, 200, 50*time.Millisecond); refused > 0 {
		t.Errorf("afterwards %d of 4000 requests were refused; want none", refused)
	}
	if refused := traffic.drive(c, routes[3], &now, 10*time.Second, 200, 20*time.Millisecond); refused > 0 {
		t.Errorf("when the backend was fast again %d of 2000 requests were refused; want none", refused)
	}
}

// Minutes of something slower, accepted or not, do not become the baseline: neither while the route is in a group nor afterwards.
func TestLongTroubleTeachesNoBaseline(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	baseline := func() float64 { return c.Snapshot(time.Unix(0, 0)).Routes[routes[3].Name()].Baseline }
	var traffic traffic
	traffic.drive(c, routes[3], &now, 10*time.Second, 100, 20*time.Millisecond)
	before := baseline()
	traffic.drive(c, routes[3], &now, 5*time.Minute, 100, 60*time.Millisecond)
	if after := baseline(); math.Abs(before-0.02) > 0.001 || math.Abs(after-before) > 0.02*before {
		t.Errorf("five minutes of 60 ms moved the baseline from %.1f to %.1f ms; want it where it was, at 20", 1000*before, 1000*after)
	}
}

// Odd samples are defined behaviour: nothing panics, and the law's numbers stay finite.
func TestOddTimes(t *testing.T) {
	for name, at := range map[string][2]time.Duration{
		"zero": {0, 0}, "backwards": {time.Hour, -time.Hour}, "enormous": {0, math.MaxInt64 / 4}, "negative": {-time.Hour, -time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			c, routes := newController(t)
			for i := range 200 {
				ticket := &shed.Ticket{Route: routes[i%4]}
				c.Admit(at[0], ticket)
				c.Done(at[1], ticket, shed.Outcome(i%5), -time.Hour)
				c.Tick(at[1] + time.Duration(i))
				c.Woken()
			}
			for name, r := range c.Snapshot(time.Unix(0, 0)).Routes {
				for what, v := range map[string]float64{"baseline": r.Baseline, "latency": r.Latency, "errors": r.Errors, "ceiling": r.Ceiling} {
					if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
						t.Errorf("route %s: %s is %v", name, what, v)
					}
				}
			}
		})
	}
}

func TestConfigureRefusesNonsense(t *testing.T) {
	for name, s := range map[string]shed.Settings{
		"no classes":    {},
		"class too low": {Classes: 2, Routes: []shed.RouteSettings{{Name: "a", Class: 2}}},
		"negative":      {Classes: 2, Routes: []shed.RouteSettings{{Name: "a", Class: -1}}},
		"twice":         {Classes: 2, Routes: []shed.RouteSettings{{Name: "a"}, {Name: "a"}}},
	} {
		if _, err := shed.New(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A route that stays keeps what it learned, and what is in flight, over a new configuration; one that goes lives on until its
// last ticket is back.
func TestConfigureKeepsWhatStays(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	drive(c, routes[0], &now, 5*time.Second, 200, 20*time.Millisecond)
	kept, gone := &shed.Ticket{Route: routes[0]}, &shed.Ticket{Route: routes[3]}
	c.Admit(now, kept)
	c.Admit(now, gone)

	after, err := c.Configure(now, shed.Settings{Classes: 2, Routes: []shed.RouteSettings{{Name: "new", Class: 1}, {Name: "checkout", Class: 0}}})
	if err != nil {
		t.Fatal(err)
	}
	if after[1] != routes[0] {
		t.Error("checkout is another route now")
	}
	s := c.Snapshot(time.Unix(0, 0)).Routes["checkout"]
	if s.InFlight != 1 || s.Baseline < 0.019 || s.Baseline > 0.021 {
		t.Errorf("checkout: in flight %d, baseline %v; want 1 and 0.02", s.InFlight, s.Baseline)
	}
	c.Done(now, kept, shed.Success, 0)
	c.Done(now, gone, shed.Success, 0)
	if running, _ := inFlight(c); running != 0 {
		t.Errorf("%d in flight after all came back", running)
	}
}

func BenchmarkAdmitDone(b *testing.B) {
	c, err := shed.New(settings)
	if err != nil {
		b.Fatal(err)
	}
	routes, _ := c.Configure(0, settings)
	var t shed.Ticket
	now := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += time.Microsecond
		t.Route = routes[0]
		c.Admit(now, &t)
		c.Done(now+time.Millisecond, &t, shed.Success, 0)
	}
}

// "A healthy backend is opened up by the factor K every 0.2 s and a baseline": the least important route, of which a crowd comes to a backend
// that takes it all.
func TestAHealthyBackendIsOpenedUp(t *testing.T) {
	c, routes := newController(t)
	now, r := time.Duration(0), routes[3]
	ceiling := func() float64 { return c.Snapshot(time.Unix(0, 0)).Routes[r.Name()].Ceiling }
	var traffic traffic
	traffic.drive(c, r, &now, 5*time.Second, 1000, 20*time.Millisecond)
	before := ceiling()
	refused := traffic.drive(c, r, &now, time.Second, 20_000, 20*time.Millisecond)
	if got := ceiling() / before; got < math.Pow(1.3, 4) || got > math.Pow(1.3, 6) {
		t.Errorf("in a second the ceiling rose from %.0f to %.1f times that; want 1.3 to the power of 4 to 6", before, got)
	}
	if refused == 0 {
		t.Error("nothing was refused: the ceiling was not put to the test")
	}
}
