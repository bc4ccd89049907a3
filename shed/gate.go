package shed

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Gate puts a Controller to work: it holds the lock, the clock and the waiting goroutines, and decides nothing. Most requests need no
// lock: see open.go.
//
// It fails open: should the controller panic, the gate says so in its snapshot and lets everything pass from then on, for a
// proxy without protection is better than no proxy.
type Gate struct {
	epoch   time.Time
	pool    sync.Pool
	stripes atomic.Uint32
	// broken is what the controller died of, nil while it lives.
	broken     atomic.Pointer[string]
	controller *Controller // what it has for callers without the lock is said in open.go
	memory     memory

	_  [64]byte // the lock is written all the time, what stands before it is not
	mu sync.Mutex
}

// NewGate makes a gate; somebody has to call Tick every TickEvery for its limits to move.
func NewGate(s Settings) (*Gate, error) {
	c, err := New(s)
	if err != nil {
		return nil, err
	}
	g := &Gate{epoch: time.Now(), controller: c}
	g.memory.configure(s)
	g.pool.New = func() any {
		return &pending{gate: g, ticket: Ticket{wake: make(chan struct{}, 1), stripe: uint8(g.stripes.Add(1) % stripes)}}
	}
	return g, nil
}

// pending is a ticket with what the gate needs around it. It is used again: generation tells its lives apart.
type pending struct {
	gate       *Gate
	generation atomic.Uint64
	ticket     Ticket
}

// Slot is the right to be in flight. The zero value is a slot that nobody counts. It is a small value; copies are the same
// slot.
type Slot struct {
	pending    *pending
	generation uint64
	// Hint is set when the backend should be asked to skip optional work.
	Hint bool
	// Endpoint is for the holder to set: see Ticket.Endpoint. The copy on which Done is called counts.
	Endpoint int
	// Would is why the request would have been refused, if the controller did not only observe.
	Would Reason
}

// Configure takes new settings; see Controller.Configure.
func (g *Gate) Configure(s Settings) (routes []*Route, err error) {
	err = g.locked(func(now time.Duration) error {
		if routes, err = g.controller.Configure(now, s); err == nil {
			g.memory.configure(s)
		}
		return err
	})
	return routes, err
}

// TickEvery is the time between two calls of Tick.
const TickEvery = tickEvery

// Tick measures and moves; see Controller.Tick.
func (g *Gate) Tick() {
	g.locked(func(now time.Duration) error { g.controller.Tick(now); return nil })
}

// locked calls f under the lock, unless the gate is broken.
func (g *Gate) locked(f func(now time.Duration) error) error {
	now := time.Since(g.epoch)
	if !g.lock() {
		return nil
	}
	defer g.unlock()
	return f(now)
}

// lock takes the lock, unless the gate is broken.
func (g *Gate) lock() bool {
	g.mu.Lock()
	if g.broken.Load() == nil {
		return true
	}
	g.mu.Unlock()
	return false
}

// unlock is deferred: it wakes whoever was let out of the waiting room and gives the lock back. A panic breaks the gate: open.
func (g *Gate) unlock() {
	if p := recover(); p != nil {
		g.fail(p)
	} else {
		for _, t := range g.controller.Woken() {
			t.wake <- struct{}{}
		}
	}
	g.mu.Unlock()
}

// guard is deferred where there is no lock. A panic breaks the gate: open.
func (g *Gate) guard() {
	if p := recover(); p != nil {
		g.fail(p)
	}
}

func (g *Gate) fail(p any) {
	why := fmt.Sprint(p)
	g.broken.CompareAndSwap(nil, &why)
}

// Enter asks for a slot for a request and waits for it if it must, no longer than the route's deadline in the waiting room, its own
// deadline or the context. queued is how long it waited. With the zero Refusal the slot is to be brought back by exactly one Done.
// If the context ends first the reason is QueueTimeout; the caller knows its own context.
func (g *Gate) Enter(ctx context.Context, ask Ask) (slot Slot, no Refusal, queued time.Duration) {
	p := g.pool.Get().(*pending)
	t := &p.ticket
	ask.fill(t, g.epoch)
	t.state = idle
	now := time.Since(g.epoch)
	if !g.pass(now, t) {
		if wait, waits := g.admit(now, t, ask.Bytes); waits {
			g.await(ctx, t, wait)
			g.memory.give(ask.Bytes)
			queued = time.Since(g.epoch) - now
		}
	}
	slot, no = g.settle(now+queued, p)
	return slot, no, queued
}

// pass asks the controller without the lock.
func (g *Gate) pass(now time.Duration, t *Ticket) (decided bool) {
	if g.broken.Load() != nil {
		return false
	}
	defer g.guard()
	return g.controller.pass(now, t)
}

// admit asks it under the lock, and says how long the ticket may wait if it has to.
func (g *Gate) admit(now time.Duration, t *Ticket, bytes int64) (wait time.Duration, waits bool) {
	if !g.lock() {
		return 0, false
	}
	defer g.unlock()
	g.controller.admit(now, t)
	if t.state != waiting {
		return 0, false
	}
	if !g.memory.take(bytes, int(t.key.Class), g.controller.classes) {
		g.controller.sendOff(now, t, Limit)
		return 0, false
	}
	return g.controller.Wait(now, t), true
}

// await blocks until the ticket has left the waiting room.
func (g *Gate) await(ctx context.Context, t *Ticket, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-t.wake:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	var left bool
	g.locked(func(now time.Duration) error { left = g.controller.Leave(now, t); return nil })
	if !left && g.broken.Load() == nil {
		<-t.wake // it was let out in the meantime: the word is on its way or here
	}
}

// Refusal is a no. Its zero value is a yes.
type Refusal struct {
	Reason Reason
	// RetryAfter is how long the trouble is likely to last; 0 if unknown.
	RetryAfter time.Duration
}

// settle turns a decided ticket into what the caller gets.
func (g *Gate) settle(now time.Duration, p *pending) (Slot, Refusal) {
	switch {
	case g.broken.Load() != nil:
		return Slot{}, Refusal{}
	case p.ticket.state == running:
		return Slot{pending: p, generation: p.generation.Load(), Hint: p.ticket.Hint, Would: p.ticket.Would}, Refusal{}
	}
	no := Refusal{p.ticket.Reason, g.controller.RetryAfter(now, p.ticket.Route, p.ticket.Reason)}
	g.pool.Put(p)
	return Slot{}, no
}

// Done brings the slot back. waited is how much of the time the backend spent waiting for the client's body: a slow upload
// says nothing about the backend. Only the first call counts.
func (s Slot) Done(o Outcome, waited time.Duration) {
	p := s.pending
	if p == nil || !p.generation.CompareAndSwap(s.generation, s.generation+1) {
		return
	}
	p.ticket.Endpoint = s.Endpoint
	g := p.gate
	now := time.Since(g.epoch)
	if !g.back(now, &p.ticket, o, waited) {
		g.done(now, &p.ticket, o, waited)
	}
	g.pool.Put(p)
}

// back tells the controller without the lock.
func (g *Gate) back(now time.Duration, t *Ticket, o Outcome, waited time.Duration) (done bool) {
	if g.broken.Load() != nil {
		return false
	}
	defer g.guard()
	return g.controller.back(now, t, o, waited)
}

// done tells it under the lock.
func (g *Gate) done(now time.Duration, t *Ticket, o Outcome, waited time.Duration) {
	if g.lock() {
		defer g.unlock()
		g.controller.done(now, t, o, waited)
	}
}
