package breaker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// settleLocked does what the time that has passed brings with it and gives the time.
func (b *Breaker) settleLocked() time.Duration {
	now := b.now()
	switch b.state {
	case Closed:
		if b.ramping && b.ramp.over(now) {
			b.ramping = false
			b.gate.Store(gateOf(b.gate.Load()>>gateBits, gatePasses))
		}
	case Open:
		if b.machine.beginTrial() {
			b.trial, b.leases = trial{}, b.leases[:0]
			b.moveLocked(HalfOpen, gateAsks, "the open period is over")
		}
	case HalfOpen:
		b.expireLocked(now)
	}
	return now
}

// expireLocked takes back the leases that have run out. They are in order of their deadlines.
func (b *Breaker) expireLocked(now time.Duration) {
	for b.state == HalfOpen && len(b.leases) > 0 && b.leases[0].deadline <= now {
		b.leases[0].pass.spend()
		b.leases = slices.Delete(b.leases, 0, 1)
		b.trial.failed++
		b.trial.lost++
		b.judgeLocked(now)
	}
}

// observe takes in the outcome of a request of the closed state.
func (b *Breaker) observe(generation uint64, o Outcome) {
	if o > Failure || b.gate.Load()>>gateBits != generation {
		return
	}
	if o == Success && !b.suspicious.Load() {
		b.calm.Add(1)
		return
	}
	b.mu.Lock()
	defer b.unlock()
	if b.gate.Load()>>gateBits != generation {
		return
	}
	now := b.now()
	next, enough := b.law.next(b.evidence, now, b.calm.Swap(0), o == Failure)
	b.evidence = next
	b.suspicious.Store(next.sum > 0)
	if enough {
		b.openLocked(now, fmt.Sprintf("%d of %d failed, evidence %.1f of %.1f needed",
			next.failed, next.seen, next.sum, b.law.threshold(next)))
	}
}

// probed takes in the outcome of a probe.
func (b *Breaker) probed(p Pass, o Outcome) {
	b.mu.Lock()
	defer b.unlock()
	now := b.settleLocked()
	if !p.spend() || b.gate.Load()>>gateBits != p.generation {
		return
	}
	b.leases = slices.DeleteFunc(b.leases, func(l lease) bool { return l.pass == p })
	switch o {
	case Success:
		b.trial.succeeded++
	case Failure:
		b.trial.failed++
	}
	b.judgeLocked(now)
}

// judgeLocked ends the trial if it is decided.
func (b *Breaker) judgeLocked(now time.Duration) {
	switch b.trial.verdict() {
	case healthy:
		b.closeLocked(now, b.trial.reason())
	case failing:
		b.openLocked(now, b.trial.reason())
	}
}

// openLocked opens, from closed or from half-open. A trial that is on ends with its machine.
func (b *Breaker) openLocked(now time.Duration, reason string) {
	if b.state == Closed && now-b.closedAt >= forgiveAfter {
		b.openings = 0
	}
	length := period(b.settings.OpenFor, b.settings.MaxOpen, b.openings, rand.Float64())
	b.openings++
	b.machine = openMachine(b.settings.Name, length)
	// Measured after the machine was made, so that it has never longer to go than is said here.
	b.until.Store(int64(b.now() + length))
	b.moveLocked(Open, gateOpen, reason)
}

// closeLocked closes, from half-open. The evidence starts anew, the memory of how busy the route was does not.
func (b *Breaker) closeLocked(now time.Duration, reason string) {
	to := b.machine.endTrial()
	b.evidence.sum, b.evidence.seen, b.evidence.failed = 0, 0, 0
	b.suspicious.Store(false)
	b.closedAt = now
	b.ramping, b.ramp = true, newRamp(now, b.settings.RampFor)
	b.moveLocked(to, gateAsks, reason)
}

// moveLocked enters a state. Passes of the one before no longer count.
func (b *Breaker) moveLocked(to State, gate uint64, reason string) {
	b.changes = append(b.changes, Change{Name: b.settings.Name, From: b.state, To: to, Time: time.Now(), Reason: reason})
	b.state = to
	b.gate.Store(gateOf(b.gate.Load()>>gateBits+1, gate))
}
