package shed_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"triage/shed"
	"triage/shed/window"
)

// hammer sends requests from several goroutines while meddle is called again and again, until every goroutine has sent its requests.
// It counts what was sent and what became of it.
type hammer struct {
	gate   *shed.Gate
	routes atomic.Pointer[[]*shed.Route]

	sent, admitted, refused           atomic.Int64
	completed, errors, lost, inFlight atomic.Int64
	most                              atomic.Int64 // in flight at once
}

func (h *hammer) run(goroutines, requests int, meddle func(rng *rand.Rand)) {
	var senders, meddler sync.WaitGroup
	over := make(chan struct{})
	meddler.Go(func() {
		for rng := rand.New(rand.NewPCG(1, 1)); ; meddle(rng) {
			select {
			case <-over:
				return
			default:
				runtime.Gosched()
			}
		}
	})
	for i := range goroutines {
		senders.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 2))
			for range requests {
				h.send(rng)
			}
		})
	}
	senders.Wait()
	close(over)
	meddler.Wait()
}

// send is one request. Its client does not wait: if it has to, it is gone.
func (h *hammer) send(rng *rand.Rand) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	routes := *h.routes.Load()
	h.sent.Add(1)
	slot, no, _ := h.gate.Enter(gone, shed.Ask{
		Route: routes[rng.IntN(len(routes))], Cohort: uint16(rng.IntN(shed.Cohorts)), Stage: uint8(rng.IntN(3)), Retry: rng.IntN(4) == 0,
	})
	if no.Reason != shed.Admitted {
		h.refused.Add(1)
		return
	}
	h.admitted.Add(1)
	now := h.inFlight.Add(1)
	for most := h.most.Load(); now > most && !h.most.CompareAndSwap(most, now); {
		most = h.most.Load()
	}
	for range rng.IntN(3) {
		runtime.Gosched()
	}
	h.inFlight.Add(-1)
	outcome := shed.Outcome(rng.IntN(6))
	switch outcome {
	case shed.NotSent:
	case shed.Abandoned:
		h.lost.Add(1)
	case shed.Timeout:
		h.lost.Add(1)
		h.errors.Add(1)
		h.completed.Add(1)
	case shed.Failure:
		h.errors.Add(1)
		h.completed.Add(1)
	default:
		h.completed.Add(1)
	}
	var again sync.WaitGroup // somebody else has a copy of the slot, and brings it back as well
	if rng.IntN(8) == 0 {
		again.Go(func() { slot.Done(outcome, 0) })
	}
	slot.Done(outcome, 0)
	again.Wait()
	slot.Done(outcome, 0)
}

// until hammers in rounds, a few at least, until enough has happened: how goroutines come to run together is chance.
func until(enough func() bool, round func()) {
	for n := range 200 {
		if round(); n >= 4 && enough() {
			return
		}
	}
}

func hammered(t *testing.T) *hammer {
	g, routes := taught(t, 6, 6)
	h := &hammer{gate: g}
	h.routes.Store(&routes)
	g.Under(func(now time.Duration, c *shed.Controller) { c.Collect(now) })
	return h
}

// meddle does to the gate what a tick, or an operator, might.
func (h *hammer) meddle(rng *rand.Rand, extra int) {
	routes := *h.routes.Load()
	h.gate.Under(func(now time.Duration, c *shed.Controller) {
		switch rng.IntN(5) {
		case 0:
			if a, b := routes[rng.IntN(len(routes))], routes[rng.IntN(len(routes))]; a != b && a.Alone() && b.Alone() {
				c.Gather(now, a, b)
			}
		case 1:
			c.Scatter(now)
		case 2:
			c.ForceLevel(now, float64(rng.IntN(7))/2, routes[0])
		}
	})
	if rng.IntN(3) > 0 {
		return
	}
	s := many(6)
	for i := range s.Routes[1:] {
		s.Routes[i+1].Class = rng.IntN(4)
	}
	s.Observe = rng.IntN(4) == 0
	for range rng.IntN(extra + 1) {
		s.Routes[1+rng.IntN(5)].Name = fmt.Sprintf("new%d", rng.Int64())
	}
	all, err := h.gate.Configure(s)
	if err != nil {
		panic(err)
	}
	h.routes.Store(&all)
}

// bothWays reports whether somebody was admitted and somebody refused.
func (h *hammer) bothWays() bool { return h.admitted.Load() > 0 && h.refused.Load() > 0 }

func (h *hammer) nothingLeft(t *testing.T) {
	t.Helper()
	h.gate.Under(func(_ time.Duration, c *shed.Controller) {
		if left := c.Leftover(); left != "" {
			t.Errorf("after all came back there is still %s", left)
		}
	})
	if why := h.gate.Snapshot().Broken; why != "" {
		t.Errorf("the gate is broken: %s", why)
	}
	if h.admitted.Load() == 0 || h.refused.Load() == 0 {
		t.Errorf("%d admitted, %d refused: the test shows nothing", h.admitted.Load(), h.refused.Load())
	}
}

// Whatever happens to its route between a request's coming and its going, it is counted once when it comes, once when it goes, and
// what became of it is filed once.
func TestNothingIsCountedTwiceOrLost(t *testing.T) {
	h := hammered(t)
	var got window.Tick
	collect := func() {
		h.gate.Under(func(now time.Duration, c *shed.Controller) {
			sum := c.Collect(now)
			got.Arrivals += sum.Arrivals
			got.Completed += sum.Completed
			got.Errors += sum.Errors
			got.Lost += sum.Lost
		})
	}
	until(h.bothWays, func() {
		h.run(8, 1600, func(rng *rand.Rand) { collect(); h.meddle(rng, 0) })
	})
	collect()
	h.nothingLeft(t)
	want := window.Tick{Arrivals: int(h.sent.Load()), Completed: int(h.completed.Load()), Errors: int(h.errors.Load()), Lost: int(h.lost.Load())}
	if got != want {
		t.Errorf("gathered %+v, sent %+v", got, want)
	}
}

// The same with routes that go and come, and ticks that move limits.
func TestEveryTicketComesBackOnce(t *testing.T) {
	h := hammered(t)
	until(h.bothWays, func() {
		h.run(8, 1600, func(rng *rand.Rand) {
			h.gate.Tick()
			h.meddle(rng, 2)
		})
	})
	h.nothingLeft(t)
}

// In flight never passes the ceiling, however many ask at once.
func TestTheCeilingIsExact(t *testing.T) {
	g, routes := taught(t, 4, 4)
	h := &hammer{gate: g}
	one := routes[3:]
	h.routes.Store(&one)
	limit := int64(math.Ceil(g.Snapshot().Routes["r3"].Ceiling))
	until(func() bool { return h.most.Load() >= limit && h.refused.Load() > 0 }, func() {
		h.run(int(limit)+8, 400, func(*rand.Rand) { g.Under(func(now time.Duration, c *shed.Controller) { c.Collect(now) }) })
	})
	h.nothingLeft(t)
	if got := h.most.Load(); got != limit {
		t.Errorf("%d in flight at most under a ceiling of %d; want just that", got, limit)
	}
}

// Nor the limit of a group, whichever of its routes asks, although each has slots lent to it.
func TestTheLimitOfAGroupIsExact(t *testing.T) {
	g, routes := taught(t, 4, 4)
	g.Under(func(now time.Duration, c *shed.Controller) { c.Gather(now, routes...) })
	h := &hammer{gate: g}
	h.routes.Store(&routes)
	limit := int64(math.Ceil(g.Snapshot().Groups[0].Limit))
	until(func() bool { return h.most.Load() >= limit/2 && h.refused.Load() > 0 }, func() {
		h.run(int(limit)+8, 100, func(*rand.Rand) { g.Under(func(now time.Duration, c *shed.Controller) { c.Collect(now) }) })
	})
	h.nothingLeft(t)
	if got := h.most.Load(); got > limit || got < limit/2 {
		t.Errorf("%d in flight at most in a group with the limit %d", got, limit)
	}
}

// What the routes of a group are lent is together no more than there is: whoever asks how often, in whatever order, those who need no lock and
// those who do are never more than the limit.
func TestLentSlotsAreNoMoreThanThereAre(t *testing.T) {
	for hot := range 4 {
		g, routes := taught(t, 4, 4)
		c := g.Controller()
		c.Gather(g.Age(), routes...)
		limit := int(math.Ceil(g.Snapshot().Groups[0].Limit))
		now, running := g.Age(), 0
		for _, r := range append(routes[hot:hot+1:hot+1], routes...) {
			for c.Pass(now, &shed.Ticket{Route: r}) {
				running++
			}
		}
		if running < limit/4 || running > limit {
			t.Errorf("%d were let in without the lock, to a group with the limit %d; want no more, and a quarter at least", running, limit)
		}
		for i := range 2 * limit {
			ticket := &shed.Ticket{Route: routes[i%4]}
			if c.Admit(now, ticket); ticket.Running() {
				running++
			}
		}
		if running != limit {
			t.Errorf("%d are in flight under a limit of %d; want just that", running, limit)
		}
	}
}

// A request that comes or goes while a tick looks is never taken for one that has been there since the process began.
func TestNobodyLooksOlderThanHeIs(t *testing.T) {
	g, routes := taught(t, 4, 4)
	g.Advance(1000 * time.Hour)
	h := &hammer{gate: g}
	one := routes[:1]
	h.routes.Store(&one)
	looks := 0
	until(func() bool { return looks >= 100 }, func() {
		h.run(6, 4000, func(*rand.Rand) {
			g.Under(func(now time.Duration, c *shed.Controller) {
				looks++
				if ages := c.Ages(now, routes[0]); ages > time.Hour {
					t.Errorf("what is in flight is %v old", ages)
				}
			})
		})
	})
	if looks < 100 {
		t.Errorf("looked %d times: the test shows nothing", looks)
	}
}
