package breaker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Breaker is one breaker. Its methods may be called by any number of goroutines.
type Breaker struct {
	settings Settings
	law      law
	// start is the origin of all times inside.
	start   time.Time
	tickets sync.Pool

	// gate is the generation shifted left by two and a gate word: all that the closed and the open path need to read.
	gate atomic.Uint64
	// until is when the open period ends: for refusing without the lock, and to be told. gobreaker decides.
	until atomic.Int64
	// suspicious is set while the evidence is not 0, so that successes count.
	suspicious atomic.Bool
	// calm counts successes that came while it was 0, since the last observation.
	calm atomic.Uint64

	mu       sync.Mutex
	state    State
	evidence evidence
	machine  machine
	trial    trial
	leases   []lease
	ramping  bool
	ramp     ramp
	// openings is the number of open periods since the last one that was forgiven; closedAt is when it closed last.
	openings int
	closedAt time.Duration
	// changes are to be told once the lock is free.
	changes []Change
}

// lease is the pass of a probe that is out.
type lease struct {
	pass     Pass
	deadline time.Duration
}

// The gate words.
const (
	gatePasses uint64 = iota
	// gateAsks means that the state is to be looked at under the lock.
	gateAsks
	gateOpen

	gateBits = 2
	gateMask = 1<<gateBits - 1
)

func gateOf(generation, word uint64) uint64 { return generation<<gateBits | word }

// New gives a closed breaker, or an error if a setting makes no sense.
func New(s Settings) (*Breaker, error) {
	s, err := s.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("making breaker %q: %w", s.Name, err)
	}
	return &Breaker{settings: s, law: newLaw(s.FailureShare), start: time.Now()}, nil
}

// Allow asks to call once; false is no. A pass that was given must be returned with Done.
func (b *Breaker) Allow() (Pass, bool) {
	if b.settings.Disabled {
		return Pass{}, true
	}
	gate := b.gate.Load()
	if gate&gateMask == gatePasses {
		return b.issue(gate>>gateBits, false), true
	}
	if b.shut(gate) {
		return Pass{}, false
	}
	b.mu.Lock()
	defer b.unlock()
	return b.admitLocked(b.settleLocked())
}

// Ready reports whether Allow would say yes now, and takes nothing. During the ramp a no counts as a request that was turned
// away, or a balancer that asks here first would never see the next one pass.
func (b *Breaker) Ready() bool {
	gate := b.gate.Load()
	if gate&gateMask == gatePasses {
		return true
	}
	if b.shut(gate) {
		return false
	}
	b.mu.Lock()
	defer b.unlock()
	now := b.settleLocked()
	switch {
	case b.state == HalfOpen:
		return len(b.leases) < b.settings.Probes
	case b.state == Open:
		return false
	case !b.ramping:
		return true
	}
	next, ok := b.ramp.next(now)
	if !ok {
		b.ramp = next
	}
	return ok
}

// State is the state now.
func (b *Breaker) State() State {
	if b.gate.Load()&gateMask == gatePasses {
		return Closed
	}
	b.mu.Lock()
	defer b.unlock()
	b.settleLocked()
	return b.state
}

// RetryIn is how long until the next probe may go: what is left of the open period, or of the shortest lease while half-open
// with all leases out. 0: it may go now, or the breaker is closed.
func (b *Breaker) RetryIn() time.Duration {
	if b.gate.Load()&gateMask == gatePasses {
		return 0
	}
	b.mu.Lock()
	defer b.unlock()
	now := b.settleLocked()
	switch {
	case b.state == Open:
		return max(0, time.Duration(b.until.Load())-now)
	case b.state == HalfOpen && len(b.leases) == b.settings.Probes:
		return b.leases[0].deadline - now
	}
	return 0
}

// shut reports whether the gate is open in the electrical sense, and stays so for now.
func (b *Breaker) shut(gate uint64) bool {
	return gate&gateMask == gateOpen && b.now() < time.Duration(b.until.Load())
}

func (b *Breaker) now() time.Duration { return time.Since(b.start) }

func (b *Breaker) issue(generation uint64, probe bool) Pass {
	t, _ := b.tickets.Get().(*ticket)
	if t == nil {
		t = &ticket{breaker: b}
	}
	return Pass{ticket: t, serial: t.serial.Load(), generation: generation, probe: probe}
}

// admitLocked decides on one request in a state that time has been settled for.
func (b *Breaker) admitLocked(now time.Duration) (Pass, bool) {
	generation := b.gate.Load() >> gateBits
	switch b.state {
	case Open:
		return Pass{}, false
	case HalfOpen:
		if len(b.leases) >= b.settings.Probes {
			return Pass{}, false
		}
		pass := b.issue(generation, true)
		b.leases = append(b.leases, lease{pass, now + b.settings.LeaseFor})
		return pass, true
	}
	if b.ramping {
		var passes bool
		if b.ramp, passes = b.ramp.next(now); !passes {
			return Pass{}, false
		}
	}
	return b.issue(generation, false), true
}

// unlock frees the lock and tells of the changes made under it.
func (b *Breaker) unlock() {
	changes := b.changes
	b.changes = nil
	b.mu.Unlock()
	if b.settings.Notify == nil {
		return
	}
	for _, c := range changes {
		b.settings.Notify(c)
	}
}
