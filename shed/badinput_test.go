package shed_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"triage/shed"
)

// till sends requests through a controller, evenly, to a backend that answers in order; who has to wait waits for as long as it may.
type till struct {
	c             *shed.Controller
	now, ticked   time.Duration
	clock         func(time.Duration) time.Duration // what the controller is told; nil: the truth
	answers       func(n int, behind time.Duration) (ends time.Duration, o shed.Outcome)
	n             int
	flights       []tillDue
	waits         []tillDue
	refused, most int // most waited at once
}

type tillDue struct {
	ticket *shed.Ticket
	ends   time.Duration
}

func (s *till) at(d time.Duration) time.Duration {
	if s.clock == nil {
		return d
	}
	return s.clock(d)
}

// serve lasts for a while, at a rate, over routes by turns; it gives how many were refused meanwhile.
func (s *till) serve(lasts time.Duration, rate float64, routes ...*shed.Route) int {
	before, gap := s.refused, time.Duration(float64(time.Second)/rate)
	for end := s.now + lasts; s.now < end; s.now += gap {
		s.pass()
		s.n++
		t := &shed.Ticket{Route: routes[s.n%len(routes)], Cohort: uint16(s.n * shed.Slices % shed.Cohorts)}
		switch s.c.Admit(s.at(s.now), t); {
		case t.Running():
			s.send(t)
		case t.Waiting():
			s.waits = append(s.waits, tillDue{t, s.now + s.c.Wait(s.at(s.now), t)})
		default:
			s.refused++
		}
		s.woken()
		_, waiting := inFlight(s.c)
		s.most = max(s.most, waiting)
	}
	return s.refused - before
}

// pass brings everything that was due: ticks, answers, the ends of waiting.
func (s *till) pass() {
	for ; s.ticked <= s.now; s.ticked += shed.TickEvery {
		s.c.Tick(s.at(s.ticked))
		s.woken()
	}
	for len(s.flights) > 0 && s.flights[0].ends <= s.now {
		s.c.Done(s.at(s.now), s.flights[0].ticket, shed.Success, 0)
		s.flights = s.flights[1:]
		s.woken()
	}
	for len(s.waits) > 0 && s.waits[0].ends <= s.now {
		if s.c.Leave(s.at(s.now), s.waits[0].ticket) {
			s.refused++
		}
		s.waits = s.waits[1:]
	}
}

func (s *till) woken() {
	for _, t := range s.c.Woken() {
		if t.Running() {
			s.send(t)
		} else {
			s.refused++
		}
	}
}

func (s *till) send(t *shed.Ticket) {
	var behind time.Duration
	if n := len(s.flights); n > 0 {
		behind = s.flights[n-1].ends
	}
	ends, outcome := s.answers(s.n, behind)
	if outcome != shed.Success {
		s.c.Done(s.at(s.now), t, outcome, 0)
		return
	}
	s.flights = append(s.flights, tillDue{t, max(ends, behind)})
}

// close lets all answers come.
func (s *till) close() {
	s.now += time.Second
	s.pass()
}

// newTill has a backend that always takes as long.
func newTill(c *shed.Controller, service time.Duration) *till {
	s := &till{c: c}
	s.answers = func(int, time.Duration) (time.Duration, shed.Outcome) { return s.now + service, shed.Success }
	return s
}

// A clock that is set back stands still until it is caught up with, one that is set forward makes everything look late, and a process
// that is stopped for a while is both: nothing is refused for that, and the baseline stays.
func TestClocksThatJump(t *testing.T) {
	for name, jump := range map[string]time.Duration{"back": -5 * time.Second, "forward": 30 * time.Second, "by a day": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			c, routes := newController(t)
			s := newTill(c, 40*time.Millisecond)
			s.serve(5*time.Second, 500, routes[3])
			before := c.Snapshot(time.Unix(0, 0)).Routes["recommendations"]
			at := s.now
			s.clock = func(d time.Duration) time.Duration {
				if d >= at {
					return d + jump
				}
				return d
			}
			refused := s.serve(2*time.Second, 500, routes[3])
			if got := c.Snapshot(time.Unix(0, 0)).Routes["recommendations"].Latency; got < 0.9 || got > 1.1 {
				t.Errorf("two seconds after the jump the latency is %.2f times the baseline; want 1", got)
			}
			refused += s.serve(8*time.Second, 500, routes[3])
			after := c.Snapshot(time.Unix(0, 0)).Routes["recommendations"]
			if refused > 0 {
				t.Errorf("%d requests were refused", refused)
			}
			if math.Abs(after.Baseline-0.04) > 0.002 || math.Abs(before.Baseline-0.04) > 0.002 {
				t.Errorf("baseline %.4f before and %.4f after; want 0.04", before.Baseline, after.Baseline)
			}
			if entries := c.Entries(0, time.Unix(0, 0)); len(entries) > 0 {
				t.Errorf("it was acted on: %+v", entries)
			}
		})
	}
}

// A process that stood still for half a minute finds answers that came meanwhile. They have not taken half a minute.
func TestWhatWasInFlightWhileTheProcessStoodStill(t *testing.T) {
	c, routes := newController(t)
	s := newTill(c, 40*time.Millisecond)
	s.serve(5*time.Second, 500, routes[0])
	s.clock = func(d time.Duration) time.Duration { return d + 30*time.Second }
	c.Tick(s.at(s.now)) // the late tick comes first, then the answers
	if refused := s.serve(5*time.Second, 500, routes[0]); refused > 0 {
		t.Errorf("%d requests were refused", refused)
	}
	if got := c.Entries(0, time.Unix(0, 0)); len(got) > 0 {
		t.Errorf("it was acted on: %+v", got)
	}
	if got := c.Snapshot(time.Unix(0, 0)).Routes["checkout"]; got.Latency > 1.1 || got.Latency < 0.9 {
		t.Errorf("latency %.2f times the baseline; want 1", got.Latency)
	}
}

// Durations of zero, below zero and beyond all bounds: the numbers stay finite, and what comes afterwards is judged as it should be.
func TestOddDurations(t *testing.T) {
	for name, waited := range map[string]time.Duration{
		"none": 0, "negative": -time.Hour, "all of it": math.MaxInt64, "least there is": math.MinInt64,
	} {
		t.Run(name, func(t *testing.T) {
			c, routes := newController(t)
			now := time.Duration(0)
			for i := range 2000 {
				ticket := &shed.Ticket{Route: routes[i%4]}
				c.Admit(now, ticket)
				c.Done(now, ticket, shed.Outcome(i%6), waited)
				if i%50 == 0 {
					now += shed.TickEvery
					c.Tick(now)
				}
				c.Woken()
			}
			enormous := &shed.Ticket{Route: routes[0]}
			c.Admit(now, enormous)
			now += 200 * 365 * 24 * time.Hour
			c.Done(now, enormous, shed.Success, waited)
			for range 40 { // its tick, and those in which the ring forgets it
				now += shed.TickEvery
				c.Tick(now)
			}
			s := newTill(c, 40*time.Millisecond)
			s.now, s.ticked = now, now
			if refused := s.serve(5*time.Second, 200, routes[3]); refused > 20 {
				t.Errorf("%d of 1000 ordinary requests afterwards were refused", refused)
			}
			for name, r := range c.Snapshot(time.Unix(0, 0)).Routes {
				for what, v := range map[string]float64{"baseline": r.Baseline, "latency": r.Latency, "errors": r.Errors, "ceiling": r.Ceiling} {
					if !(v >= 0) || math.IsInf(v, 0) {
						t.Errorf("route %s: %s is %v", name, what, v)
					}
				}
			}
		})
	}
}

// A configuration that names a class there is not is refused as a whole: what was in force stays.
func TestUnknownClassChangesNothing(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	drive(c, routes[0], &now, 4*time.Second, 100, 20*time.Millisecond)
	bad := shed.Settings{Classes: 4, Routes: slices.Clone(settings.Routes)}
	bad.Routes[0].Class, bad.Routes[3].Class = 3, 4
	before := fmt.Sprint(c.Snapshot(time.Unix(0, 0)))
	for _, class := range []int{4, -1, math.MaxInt, math.MinInt, 256} { // 256 would be class 0 in a byte
		bad.Routes[3].Class = class
		if _, err := c.Configure(now, bad); err == nil {
			t.Errorf("class %d of 4: no error", class)
		}
	}
	if after := fmt.Sprint(c.Snapshot(time.Unix(0, 0))); after != before {
		t.Errorf("refused configurations changed\n%s\nto\n%s", before, after)
	}
	if refused := drive(c, routes[0], &now, time.Second, 100, 20*time.Millisecond); refused > 0 {
		t.Errorf("%d refused afterwards", refused)
	}
}

// heapInUse is what is in use after a collection, in bytes.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A million sessions cost no memory, and they are spread evenly over the slices, by where they come from and by what they are: each slice
// has its 7,812, give or take five standard deviations.
func TestAMillionSessions(t *testing.T) {
	c, routes := newController(t)
	key := shed.CohortKey{1, 2, 3}
	at := time.Unix(1_800_000_000, 0)
	var origins, places [shed.Slices]int
	var ticket shed.Ticket
	name := make([]byte, 0, 32)
	round := func(from, to int) {
		for i := from; i < to; i++ {
			name = fmt.Appendf(name[:0], "s%d", i)
			text := string(name)
			cohort := key.Cohort(key.Origin(text), text, at)
			origins[cohort/shed.Slices]++
			places[cohort%shed.Slices]++
			now := time.Duration(i) * 100 * time.Microsecond
			ticket = shed.Ticket{Route: routes[i%4], Cohort: cohort}
			c.Admit(now, &ticket)
			c.Done(now+50*time.Microsecond, &ticket, shed.Success, 0)
			if i%1000 == 0 {
				c.Tick(now)
			}
		}
	}
	const sessions = 1_000_000 / thin
	round(0, 100_000)
	before := heapInUse()
	round(100_000, sessions)
	if grown := heapInUse() - before; grown > 64<<10 {
		t.Errorf("the heap grew by %d bytes for %d sessions more; want none to speak of", grown, sessions-100_000)
	}
	const mean = float64(sessions) / shed.Slices
	// An origin is one of 65,536, so whole origins of fifteen sessions each are spread: that scatters by four times as much.
	for what, v := range map[string]struct {
		count   [shed.Slices]int
		scatter float64
	}{"origin": {origins, 1 + float64(sessions)/65536}, "session": {places, 1}} {
		for slice, n := range v.count {
			if most := 5 * math.Sqrt(mean*v.scatter); math.Abs(float64(n)-mean) > most {
				t.Errorf("slice %d by %s has %d sessions of %d; want %.0f ± %.0f", slice, what, n, sessions, mean, most)
			}
		}
	}
	runtime.KeepAlive(c)
}

// Whatever a flood does, the controller keeps a bounded number of things: over a hundred seconds with errors, groups and waiting rooms the
// heap does not grow.
func TestAFloodLeavesNothingBehind(t *testing.T) {
	c, routes := newController(t)
	s := &till{c: c}
	// A tenth fails at once; from the third second on the backend answers one every millisecond and a half.
	s.answers = func(n int, behind time.Duration) (time.Duration, shed.Outcome) {
		switch {
		case n%10 == 0:
			return s.now, shed.Failure
		case s.now > 3*time.Second:
			return max(s.now+20*time.Millisecond, behind+1500*time.Microsecond), shed.Success
		}
		return s.now + 20*time.Millisecond, shed.Success
	}
	s.serve(20*time.Second, 2000, routes...)
	before := heapInUse()
	s.serve(100*time.Second/thin, 2000, routes...)
	if grown := heapInUse() - before; grown > 256<<10 {
		t.Errorf("the heap grew by %d bytes in a hundred seconds; want none to speak of", grown)
	}
	if s.refused < 10_000/thin || s.most == 0 {
		t.Errorf("%d refused, %d waited at most: the test shows nothing", s.refused, s.most)
	}
	if s.most > 2000 {
		t.Errorf("%d waited at once; want a room of the size of the limit", s.most)
	}
	runtime.KeepAlive(c)
}

// Routes that had no traffic for a day know how long they take, but their standing headroom has gone: coming back from one moment to
// the next they are held to the floor of the ceiling, and opened up within a second, the most important one soonest.
func TestRoutesThatSleptForADay(t *testing.T) {
	c, routes := newController(t)
	s := newTill(c, 20*time.Millisecond)
	s.serve(5*time.Second, 2000, routes[0], routes[3])
	s.close()
	for end := s.now + 24*time.Hour/thin; s.ticked < end; s.ticked += 2 * shed.TickEvery {
		c.Tick(s.ticked)
	}
	s.now = s.ticked
	for _, v := range []struct{ route, most int }{{0, 200}, {3, 500}} {
		name := settings.Routes[v.route].Name
		if got := c.Snapshot(time.Unix(0, 0)).Routes[name]; math.Abs(got.Baseline-0.02) > 0.001 || got.Group != "" || got.InFlight > 0 {
			t.Errorf("%s after a day without traffic: %+v; want the baseline that it had", name, got)
		}
		if refused := s.serve(time.Second, 1000, routes[v.route]); refused > v.most {
			t.Errorf("%d of 1000 requests of the first second of %s were refused; want %d at most", refused, name, v.most)
		}
		if refused := s.serve(time.Second, 1000, routes[v.route]); refused > v.most/10 {
			t.Errorf("%d of 1000 requests of the second second of %s were refused; want %d at most", refused, name, v.most/10)
		}
		if refused := s.serve(5*time.Second, 1000, routes[v.route]); refused > 0 {
			t.Errorf("%d of %s refused afterwards; want none", refused, name)
		}
		s.close()
	}
}

// Errors that come faster than any answer do not teach that the backend is fast.
func TestFastErrorsTeachNoBaseline(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	drive(c, routes[1], &now, 5*time.Second, 100, 60*time.Millisecond)
	before := c.Snapshot(time.Unix(0, 0)).Routes["cart"].Baseline
	for range 5000 {
		ticket := &shed.Ticket{Route: routes[1]}
		c.Admit(now, ticket)
		now += time.Millisecond
		c.Done(now, ticket, shed.Failure, 0)
		if now%shed.TickEvery == 0 {
			c.Tick(now)
		}
	}
	drive(c, routes[1], &now, 2*time.Second, 100, 60*time.Millisecond)
	if after := c.Snapshot(time.Unix(0, 0)).Routes["cart"].Baseline; before < 0.055 || after < 0.9*before {
		t.Errorf("baseline %.1f ms before and %.1f ms after; want no fall", 1000*before, 1000*after)
	}
}
