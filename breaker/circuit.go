package breaker

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Circuit is the deciding part of a breaker. It is handed the time, since any fixed instant, has no lock and is not safe for
// concurrent use: Breaker makes it so. Equal calls with equal dice give equal answers. Time may stand still, jump and go back; see
// clock.go.
type Circuit struct {
	settings Settings
	law      law
	clock    clock

	state State
	// generation counts the changes of state; since is when the last was.
	generation uint64
	since      time.Duration
	// until is when the open period ends.
	until    time.Duration
	evidence evidence
	// calm counts successes that found no evidence, since the last observation.
	calm    uint64
	machine machine
	trial   trial
	leases  []lease
	leased  uint32 // leases given in the present half-open state
	asked   askers
	ramping bool
	ramp    ramp
	trickle trickle
	// openings is the number of open periods since the last one that was forgiven; closedAt is when it closed last.
	openings int
	closedAt time.Duration
	changes  []Change
}

// Permit is the right to call once. Whoever holds it returns it with Done; the zero Permit may be returned too, to no effect.
type Permit struct {
	// generation counts the changes of state up to when it was given, from 1 on.
	generation uint64
	// lease is the number of a probe's lease in the present half-open state, 0 for others.
	lease uint32
	// trial is set if its outcome may close the breaker.
	trial bool
}

// Probe reports whether the permit is a probe's, which has to come back before its lease runs out.
func (p Permit) Probe() bool { return p.lease > 0 }

// Awaited reports whether the circuit can change its state only when the permit comes back: it is a probe's, or of a brown-out.
func (p Permit) Awaited() bool { return p.trial }

// lease is the permit of a probe that is out.
type lease struct {
	number   uint32
	deadline time.Duration
}

// NewCircuit gives a closed one, or an error if a setting makes no sense. Settings.Notify is not called: see Changes.
func NewCircuit(s Settings) (*Circuit, error) {
	s, err := s.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("making breaker %q: %w", s.Name, err)
	}
	if s.Dice == nil {
		s.Dice = rand.Float64
	}
	return &Circuit{settings: s, law: newLaw(s.SparedAt, s.OpenedAt), generation: 1}, nil
}

// Allow asks to call once; false is no. The cost decides who becomes a probe.
func (c *Circuit) Allow(now time.Duration, cost Cost) (Permit, bool) {
	if c.settings.Disabled {
		return Permit{}, true
	}
	now = c.settle(now)
	if c.state != Closed {
		c.asked.saw(now, cost)
	}
	switch {
	case c.state == HalfOpen:
		if !c.mayProbe(now, cost) {
			return Permit{}, false
		}
		c.leased++
		c.leases = append(c.leases, lease{c.leased, now + c.settings.LeaseFor})
		return Permit{c.generation, c.leased, true}, true
	case !c.passes(now):
		return Permit{}, false
	}
	return Permit{generation: c.generation, trial: c.state != Closed}, true
}

// Ready reports whether Allow would say yes now, and takes nothing. During the ramp a no counts as a request that was turned
// away, or a balancer that asks here first would never see the next one pass; and whoever asks is somebody who could be a probe.
func (c *Circuit) Ready(now time.Duration, cost Cost) bool {
	if c.settings.Disabled {
		return true
	}
	now = c.settle(now)
	if c.state != Closed {
		c.asked.saw(now, cost)
	}
	if c.state == HalfOpen {
		return c.mayProbe(now, cost)
	}
	before, beforeTrickle := c.ramp, c.trickle
	ok := c.passes(now)
	if ok {
		c.ramp, c.trickle = before, beforeTrickle
	}
	return ok
}

// passes counts one request of the closed or the open state and reports whether it passes.
func (c *Circuit) passes(now time.Duration) (ok bool) {
	switch {
	case c.state == Open && c.settings.Trickle > 0:
		c.trickle, ok = c.trickle.next(now, c.settings.Trickle)
		return ok
	case c.state == Open:
		return false
	case c.ramping:
		c.ramp, ok = c.ramp.next(now)
		return ok
	}
	return true
}

func (c *Circuit) mayProbe(now time.Duration, cost Cost) bool {
	return len(c.leases) < c.settings.Probes && c.asked.may(now, cost, c.since)
}

// State is the state at a time.
func (c *Circuit) State(now time.Duration) State {
	c.settle(now)
	return c.state
}

// RetryIn is how long until the next probe may go: what is left of the open period, or of the shortest lease while half-open
// with all leases out; in a brown-out the first open period, for whoever has to wait there waits for a trial that has no end. 0: it
// may go now, or the breaker is closed.
func (c *Circuit) RetryIn(now time.Duration) time.Duration {
	now = c.settle(now)
	switch {
	case c.state == Open && c.settings.Trickle > 0:
		return c.settings.OpenFor
	case c.state == Open:
		return max(0, c.until-now)
	case c.state == HalfOpen && len(c.leases) == c.settings.Probes:
		return c.leases[0].deadline - now
	}
	return 0
}

// Changes gives the changes of state since it was last called, oldest first.
func (c *Circuit) Changes() []Change {
	changes := c.changes
	c.changes = nil
	return changes
}
