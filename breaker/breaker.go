package breaker

import (
	"sync"
	"sync/atomic"
	"time"
)

// Breaker is a Circuit with a lock and a clock. Its methods may be called by any number of goroutines. While the circuit is closed or
// open, and nothing is in doubt, they read one word and take no lock.
type Breaker struct {
	settings Settings
	// start is the origin of all times inside.
	start   time.Time
	tickets sync.Pool

	// gate is the generation shifted left by two and a gate word: all that the closed and the open path need to read.
	gate atomic.Uint64
	// until is when the open period ends, for refusing without the lock. The circuit decides.
	until atomic.Int64
	// suspicious is set while the evidence is not 0, so that successes count.
	suspicious atomic.Bool
	// calm counts successes that came while it was 0, since the circuit last heard of them.
	calm atomic.Uint64

	mu      sync.Mutex
	circuit *Circuit
}

// The gate words.
const (
	gatePasses uint64 = iota
	// gateAsks means that the circuit is to be asked, under the lock.
	gateAsks
	gateOpen

	gateBits = 2
	gateMask = 1<<gateBits - 1
)

// New gives a closed breaker, or an error if a setting makes no sense.
func New(s Settings) (*Breaker, error) {
	circuit, err := NewCircuit(s)
	if err != nil {
		return nil, err
	}
	b := &Breaker{settings: circuit.settings, start: time.Now(), circuit: circuit}
	b.publishLocked()
	return b, nil
}

// Allow asks to call once; false is no. A pass that was given must be returned with Done.
func (b *Breaker) Allow() (Pass, bool) { return b.AllowAs(0) }

// AllowAs is Allow for a request that is a dearer probe than others.
func (b *Breaker) AllowAs(cost Cost) (Pass, bool) {
	if b.settings.Disabled {
		return Pass{}, true
	}
	gate := b.gate.Load()
	if gate&gateMask == gatePasses {
		return b.issue(Permit{generation: gate >> gateBits}), true
	}
	if b.shut(gate, cost) {
		return Pass{}, false
	}
	b.mu.Lock()
	defer b.unlock()
	permit, ok := b.circuit.Allow(b.now(), cost)
	if !ok {
		return Pass{}, false
	}
	return b.issue(permit), true
}

// Ready reports whether Allow would say yes now, and takes nothing; see Circuit.Ready.
func (b *Breaker) Ready() bool { return b.ReadyAs(0) }

// ReadyAs is Ready for a request that is a dearer probe than others.
func (b *Breaker) ReadyAs(cost Cost) bool {
	gate := b.gate.Load()
	if gate&gateMask == gatePasses {
		return true
	}
	if b.shut(gate, cost) {
		return false
	}
	b.mu.Lock()
	defer b.unlock()
	return b.circuit.Ready(b.now(), cost)
}

// State is the state now.
func (b *Breaker) State() State {
	if b.gate.Load()&gateMask == gatePasses {
		return Closed
	}
	b.mu.Lock()
	defer b.unlock()
	return b.circuit.State(b.now())
}

// RetryIn is how long until it is of use to ask again; see Circuit.RetryIn.
func (b *Breaker) RetryIn() time.Duration {
	if b.gate.Load()&gateMask == gatePasses {
		return 0
	}
	b.mu.Lock()
	defer b.unlock()
	return b.circuit.RetryIn(b.now())
}

// shut reports whether the gate is open in the electrical sense, and stays so for now. It notes who asked.
func (b *Breaker) shut(gate uint64, cost Cost) bool {
	if gate&gateMask != gateOpen {
		return false
	}
	now := b.now()
	if now >= time.Duration(b.until.Load()) {
		return false
	}
	b.circuit.asked.saw(now, cost)
	return true
}

func (b *Breaker) now() time.Duration { return time.Since(b.start) }

func (b *Breaker) issue(permit Permit) Pass {
	t, _ := b.tickets.Get().(*ticket)
	if t == nil {
		t = &ticket{breaker: b}
	}
	return Pass{ticket: t, serial: t.serial.Load(), permit: permit}
}

// done takes in the outcome of a pass. Successes that find no evidence are only counted.
func (b *Breaker) done(p Pass, o Outcome) {
	if !p.permit.trial {
		if o > Failure || b.gate.Load()>>gateBits != p.permit.generation {
			return
		}
		if o == Success && !b.suspicious.Load() {
			b.calm.Add(1)
			return
		}
	}
	b.mu.Lock()
	defer b.unlock()
	b.circuit.calm += b.calm.Swap(0)
	b.circuit.Done(b.now(), p.permit, o)
}

// publishLocked brings what is read without the lock up to date.
func (b *Breaker) publishLocked() {
	c, word := b.circuit, gateAsks
	switch {
	case c.settings.Disabled, c.state == Closed && !c.ramping:
		word = gatePasses
	case c.state == Open && c.settings.Trickle == 0:
		word = gateOpen
	}
	// Writing takes the line from every other core, so only what has changed is written.
	if until := int64(c.until - c.clock.ahead); until != b.until.Load() {
		b.until.Store(until)
	}
	if suspicious := c.evidence.sum > 0; suspicious != b.suspicious.Load() {
		b.suspicious.Store(suspicious)
	}
	if gate := c.generation<<gateBits | word; gate != b.gate.Load() {
		b.gate.Store(gate)
	}
}

// unlock frees the lock and tells of the changes made under it.
func (b *Breaker) unlock() {
	b.publishLocked()
	changes := b.circuit.Changes()
	b.mu.Unlock()
	if b.settings.Notify == nil {
		return
	}
	for _, c := range changes {
		c.Time = time.Now()
		b.settings.Notify(c)
	}
}
