package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Generator is one run of load. Make it with New, run it once; Snapshot may be called at any time.
type Generator struct {
	settings  Settings
	arrivals  []Arrival
	plans     map[string][]plan // by target, then by request
	tallies   []*tally
	transport http.RoundTripper
	lean      *lean // nil if requests go over transport
	inFlight  atomic.Int64
	// streams is done when everybody has been answered; bodies are those that are read on until then.
	streams context.Context
	bodies  sync.WaitGroup

	mu       sync.Mutex
	progress progress
}

// progress is how far the run has come.
type progress struct {
	begun time.Time // zero before
	ended time.Time // zero before
	phase int
}

// New checks the settings, all problems at once, and draws the arrivals. It sends nothing.
func New(s Settings) (*Generator, error) {
	arrivals, err := Draw(s)
	if err != nil {
		return nil, err
	}
	s = s.withDefaults()
	g := &Generator{settings: s, arrivals: arrivals, plans: map[string][]plan{}, transport: s.Transport, progress: progress{phase: -1}}
	switch {
	case g.transport != nil:
	case s.Protocol == Lean:
		g.lean = newLean(g)
	default:
		g.transport = newTransport(s)
	}
	byClass := map[string]*tally{}
	for _, target := range s.allTargets() {
		for _, r := range s.Requests {
			if byClass[r.Class] == nil {
				byClass[r.Class] = newTally(r.Class, len(s.Phases), s.Deadline)
				g.tallies = append(g.tallies, byClass[r.Class])
			}
			p, err := newPlan(target, r, s.Sign, byClass[r.Class])
			if err != nil {
				return nil, fmt.Errorf("preparing the request for route %q: %w", r.Route, err)
			}
			if g.lean != nil {
				p.raw = newRaw(p.template, r.Body, g.lean.clients[target], s.CloseEach)
			}
			g.plans[target] = append(g.plans[target], p)
		}
	}
	return g, nil
}

// plan is the request of an arrival to its session's target.
func (g *Generator) plan(a Arrival) *plan {
	targets := g.settings.Phases[a.Phase].Targets
	return &g.plans[targets[int(a.Session)%len(targets)]][a.Request]
}

// Run sends the load and returns when all phases are over and every request has ended. If ctx is done before, it sends
// no more, cuts short what is in flight, waits for it and returns the context's error.
func (g *Generator) Run(ctx context.Context) error {
	begun, err := g.begin()
	if err != nil {
		return err
	}
	var hangUp context.CancelFunc
	g.streams, hangUp = context.WithCancel(ctx)
	var requests sync.WaitGroup
	if g.lean != nil {
		g.runLean(ctx, begun, &requests)
	} else {
		g.dispatch(ctx, begun, timers(ctx), func(a Arrival) { g.start(ctx, begun, a, &requests) })
	}
	requests.Wait()
	g.end()
	hangUp()
	g.bodies.Wait()
	g.hangUp()
	return ctx.Err()
}

// hangUp closes the connections.
func (g *Generator) hangUp() {
	if g.lean != nil {
		g.lean.close()
	} else if own, ok := g.transport.(*http.Transport); ok && g.settings.Transport == nil {
		own.CloseIdleConnections()
	}
}

func (g *Generator) begin() (time.Time, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.progress.begun.IsZero() {
		return time.Time{}, errors.New("running the load: it has run before; each run wants a generator of its own")
	}
	g.progress.begun = g.settings.Begin
	if g.settings.Begin.IsZero() {
		g.progress.begun = time.Now()
	}
	return g.progress.begun, nil
}

func (g *Generator) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.progress.ended = time.Now()
}

// dispatch starts each request at its instant, until all phases are over or ctx is done. until reports whether an instant was reached
// before that.
func (g *Generator) dispatch(ctx context.Context, begun time.Time, until func(time.Time) bool, start func(Arrival)) {
	rest, boundary := g.arrivals, begun
	for i, p := range g.settings.Phases {
		if !until(boundary) {
			return
		}
		g.enter(i, p)
		for ; len(rest) > 0 && int(rest[0].Phase) == i; rest = rest[1:] {
			if !until(begun.Add(rest[0].At)) {
				return
			}
			start(rest[0])
		}
		boundary = boundary.Add(p.For)
	}
	until(boundary)
}

func (g *Generator) enter(i int, p Phase) {
	g.mu.Lock()
	g.progress.phase = i
	g.mu.Unlock()
	if g.settings.OnPhase != nil {
		g.settings.OnPhase(i, p)
	}
}

// start sends a request in a goroutine of its own, and there what its user sends after it.
func (g *Generator) start(ctx context.Context, begun time.Time, a Arrival, requests *sync.WaitGroup) {
	fits := g.board(begun, a)
	if !fits && g.settings.OnEnd == nil {
		g.overrun(begun, a)
		return
	}
	requests.Go(func() { g.follow(ctx, begun, a, fits) })
}

// follow carries out a request, and what its user sends after that.
func (g *Generator) follow(ctx context.Context, begun time.Time, a Arrival, fits bool) {
	for {
		var e Ending
		if fits {
			e = g.send(ctx, begun, a)
			g.inFlight.Add(-1)
		} else {
			e = g.overrun(begun, a)
		}
		if g.settings.OnEnd == nil {
			return
		}
		next, more := g.settings.OnEnd(e)
		if !more || !SleepUntil(ctx, begun.Add(next.At)) {
			return
		}
		a, fits = next, g.board(begun, next)
	}
}

// board counts an arrival as offered, and takes a place for it among those in flight, if there is one.
func (g *Generator) board(begun time.Time, a Arrival) bool {
	g.plan(a).tally.offer(int(a.Phase), time.Since(begun))
	if g.inFlight.Add(1) > int64(g.settings.MaxInFlight) {
		g.inFlight.Add(-1)
		return false
	}
	return true
}

// overrun ends a request that is never sent.
func (g *Generator) overrun(begun time.Time, a Arrival) Ending {
	e := Ending{Arrival: a, How: Overrun, Ended: time.Since(begun)}
	g.plan(a).tally.end(e)
	return e
}

// timers waits with the runtime's timers.
func timers(ctx context.Context) func(instant time.Time) bool {
	return func(instant time.Time) bool { return SleepUntil(ctx, instant) }
}

// SleepUntil reports whether the instant was reached before ctx was done.
func SleepUntil(ctx context.Context, instant time.Time) bool {
	rest := time.Until(instant)
	if rest <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
