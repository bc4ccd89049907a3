package breaker_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/breaker"
)

// hand is a circuit whose time is set by hand.
type hand struct {
	*breaker.Circuit
	t   testing.TB
	now time.Duration
}

func newHand(t testing.TB, s breaker.Settings) *hand {
	t.Helper()
	s.Dice = func() float64 { return 0.5 }
	c, err := breaker.NewCircuit(s)
	if err != nil {
		t.Fatal(err)
	}
	return &hand{Circuit: c, t: t}
}

// call asks once and says how it ended, if it was allowed.
func (h *hand) call(o breaker.Outcome) bool {
	p, ok := h.Allow(h.now, 0)
	if ok {
		h.Done(h.now, p, o)
	}
	return ok
}

// fail makes it open.
func (h *hand) fail() {
	h.t.Helper()
	for range 50 {
		if h.call(breaker.Failure); h.State(h.now) == breaker.Open {
			return
		}
	}
	h.t.Fatalf("%v after fifty failures in a row, want open", h.State(h.now))
}

func (h *hand) wants(want breaker.State) {
	h.t.Helper()
	if got := h.State(h.now); got != want {
		h.t.Fatalf("at %v it is %v, want %v", h.now, got, want)
	}
}

// Opened, half-open and closed again by a clock that has nothing to do with the wall's.
func TestCircuitLivesInItsOwnTime(t *testing.T) {
	h := newHand(t, breaker.Settings{Name: "shop", OpenFor: 24 * time.Hour, MaxOpen: 48 * time.Hour})
	h.now = 100 * time.Hour
	h.fail()
	if got := h.RetryIn(h.now); got != 24*time.Hour {
		t.Fatalf("open for %v, want 24h", got)
	}
	h.now += 24*time.Hour - 1
	h.wants(breaker.Open)
	h.now++
	h.wants(breaker.HalfOpen)
	for range 6 {
		h.call(breaker.Success)
	}
	h.wants(breaker.Closed)
	told := h.Changes()
	if len(told) != 3 || told[0].At != 100*time.Hour || told[2].At != 124*time.Hour || told[2].Name != "shop" || len(h.Changes()) != 0 {
		t.Errorf("told of %+v; want three changes, at 100h, 124h and 124h, once", told)
	}
}

func TestCircuitsWithEqualDiceAreEqual(t *testing.T) {
	run := func() (story string) {
		dice := 0.0
		h := newHand(t, breaker.Settings{Dice: nil})
		for i := range 20000 {
			h.now += 7 * time.Millisecond
			dice = math.Mod(dice+0.618, 1)
			broken := i/2000%2 == 1
			h.call(map[bool]breaker.Outcome{true: breaker.Failure, false: breaker.Success}[broken && dice < 0.9])
		}
		return fmt.Sprint(h.Changes())
	}
	if a, b := run(), run(); a != b || len(a) < 100 {
		t.Errorf("two runs differ, or nothing happened:\n%s\n%s", a, b)
	}
}

// A clock that is set back does not keep it open for as long as it was set back.
func TestCircuitTimeGoesBack(t *testing.T) {
	for _, back := range []time.Duration{time.Millisecond, time.Minute, 10000 * time.Hour, math.MaxInt64 / 8} {
		t.Run(back.String(), func(t *testing.T) {
			h := newHand(t, breaker.Settings{})
			h.now = 5 * time.Hour
			h.fail()
			h.now -= back
			if got := h.RetryIn(h.now); got != time.Second {
				t.Errorf("retry in %v right after it was set back, want 1s", got)
			}
			h.now += time.Second + 2*time.Millisecond
			h.wants(breaker.HalfOpen)
			for range 6 {
				h.call(breaker.Success)
			}
			h.wants(breaker.Closed)
			h.now += 5 * time.Second
			for range 100 {
				if !h.call(breaker.Success) {
					t.Fatal("refused after the ramp")
				}
			}
		})
	}
}

// After a jump every period is over: the open one, leases, ramp and memory.
func TestCircuitTimeJumps(t *testing.T) {
	for _, jump := range []time.Duration{3 * time.Hour, math.MaxInt64 / 8} {
		t.Run(jump.String(), func(t *testing.T) {
			h := newHand(t, breaker.Settings{Probes: 2})
			h.now = time.Hour
			h.fail()
			h.now += jump
			h.wants(breaker.HalfOpen)
			first, _ := h.Allow(h.now, 0)
			if !first.Probe() {
				t.Fatal("no probe after the jump")
			}
			h.Allow(h.now, 0)
			h.now -= jump / 2 // a clock that is set right again
			h.wants(breaker.HalfOpen)
			h.now += 31 * time.Second
			h.wants(breaker.Open) // both leases have run out
			h.Done(h.now, first, breaker.Success)
			h.now += 2 * time.Second
			for range 6 {
				h.call(breaker.Success)
			}
			h.wants(breaker.Closed)
		})
	}
}

// A permit of a probe counts once, and not at all when its time is over; those of another circuit's state do not count.
func TestCircuitPermitsTwice(t *testing.T) {
	h := newHand(t, breaker.Settings{})
	early, _ := h.Allow(h.now, 0)
	h.fail()
	for range 20 {
		h.Done(h.now, early, breaker.Success)
	}
	h.wants(breaker.Open)
	h.now += time.Second
	probe, _ := h.Allow(h.now, 0)
	for range 10 {
		h.Done(h.now, probe, breaker.Success)
		h.Done(h.now, early, breaker.Success)
		h.Done(h.now, breaker.Permit{}, breaker.Success)
	}
	h.wants(breaker.HalfOpen)
}

// TestCircuitNeverWedges: whatever the clock does, once the backend is healthy and asked, and time goes on, it closes.
func TestCircuitNeverWedges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := breaker.Settings{
			Trickle: rapid.SampledFrom([]float64{0, 0, 0.1, 0.5}).Draw(rt, "trickle"), Probes: rapid.IntRange(1, 4).Draw(rt, "probes"),
			LeaseFor: time.Duration(rapid.Int64Range(1e6, 10e9).Draw(rt, "lease for")), Dice: func() float64 { return 0.3 },
		}
		c, err := breaker.NewCircuit(s)
		if err != nil {
			rt.Fatal(err)
		}
		now := time.Duration(0)
		var held []breaker.Permit
		for range rapid.IntRange(0, 200).Draw(rt, "steps") {
			now += time.Duration(rapid.OneOf(rapid.Int64Range(0, 1e9), rapid.Int64()).Draw(rt, "time"))
			cost := breaker.Cost(rapid.IntRange(0, 255).Draw(rt, "cost"))
			c.Ready(now, cost)
			if p, ok := c.Allow(now, cost); ok {
				held = append(held, p)
			}
			if len(held) > 0 && rapid.Bool().Draw(rt, "done") {
				c.Done(now, held[0], breaker.Outcome(rapid.IntRange(0, 3).Draw(rt, "outcome")))
				held = held[1:]
			}
			if wait := c.RetryIn(now); wait < 0 {
				rt.Fatalf("retry in %v", wait)
			}
		}
		for range 1000 { // 100 s: two open periods at their longest, leases, the ramp
			now += 100 * time.Millisecond
			if now > math.MaxInt64/8 || now < math.MinInt64/8 {
				now = 0 // somebody sets the clock right
			}
			if p, ok := c.Allow(now, 0); ok {
				c.Done(now, p, breaker.Success)
			}
		}
		for range 50 {
			if _, ok := c.Allow(now, 0); !ok {
				rt.Fatalf("refused while %v", c.State(now))
			}
		}
	})
}
