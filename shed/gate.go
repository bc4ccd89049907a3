package shed

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Gate puts a Controller to work: it holds the lock, the clock and the waiting goroutines, and decides nothing.
//
// It fails open: should the controller panic, the gate says so in its snapshot and lets everything pass from then on, for a
// proxy without protection is better than no proxy.
type Gate struct {
	epoch time.Time
	pool  sync.Pool

	mu         sync.Mutex
	controller *Controller
	broken     string
}

// NewGate makes a gate; somebody has to call Tick every TickEvery for its limits to move.
func NewGate(s Settings) (*Gate, error) {
	c, err := New(s)
	if err != nil {
		return nil, err
	}
	g := &Gate{epoch: time.Now(), controller: c}
	g.pool.New = func() any { return &pending{gate: g, ticket: Ticket{wake: make(chan struct{}, 1)}} }
	return g, nil
}

// pending is a ticket with what the gate needs around it. It is used again: generation tells its lives apart.
type pending struct {
	gate       *Gate
	generation uint64 // guarded by gate.mu
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
}

// Configure takes new settings; see Controller.Configure.
func (g *Gate) Configure(s Settings) (routes []*Route, err error) {
	err = g.locked(func(now time.Duration) error {
		routes, err = g.controller.Configure(now, s)
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

// locked calls f under the lock and wakes whoever f let out of the waiting room. A panic in f breaks the gate: open.
func (g *Gate) locked(f func(now time.Duration) error) (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken != "" {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			g.broken = fmt.Sprint(p)
		}
	}()
	err = f(time.Since(g.epoch))
	for _, t := range g.controller.Woken() {
		t.wake <- struct{}{}
	}
	return err
}

// Enter asks for a slot for a request of the route and waits for it if it must, no longer than the route's deadline in the
// waiting room or the context. queued is how long it waited. With the zero Refusal the slot is to be brought back by exactly one Done. If the context ends first
// the reason is QueueTimeout; the caller knows its own context.
func (g *Gate) Enter(ctx context.Context, r *Route, cohort uint8) (slot Slot, no Refusal, queued time.Duration) {
	p := g.pool.Get().(*pending)
	t := &p.ticket
	t.Route, t.Cohort, t.state = r, cohort, idle
	var wait time.Duration
	var waits bool
	g.locked(func(now time.Duration) error {
		g.controller.Admit(now, t)
		wait, waits = g.controller.Wait(r), t.state == waiting
		return nil
	})
	if waits {
		begun := time.Now()
		g.await(ctx, t, wait)
		queued = time.Since(begun)
	}
	slot, no = g.settle(p)
	return slot, no, queued
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
	g.mu.Lock()
	broken := g.broken != ""
	g.mu.Unlock()
	if !left && !broken {
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
func (g *Gate) settle(p *pending) (Slot, Refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.broken != "":
		return Slot{}, Refusal{}
	case p.ticket.state == running:
		return Slot{pending: p, generation: p.generation, Hint: p.ticket.Hint}, Refusal{}
	}
	no := Refusal{p.ticket.Reason, g.controller.RetryAfter(time.Since(g.epoch), p.ticket.Route, p.ticket.Reason)}
	p.generation++
	g.pool.Put(p)
	return Slot{}, no
}

// Done brings the slot back. waited is how much of the time the backend spent waiting for the client's body: a slow upload
// says nothing about the backend. Only the first call counts.
func (s Slot) Done(o Outcome, waited time.Duration) {
	p := s.pending
	if p == nil {
		return
	}
	p.gate.locked(func(now time.Duration) error {
		if p.generation != s.generation {
			return nil
		}
		p.generation++
		p.ticket.Endpoint = s.Endpoint
		p.gate.controller.Done(now, &p.ticket, o, waited)
		p.gate.pool.Put(p)
		return nil
	})
}
