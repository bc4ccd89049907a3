package origin

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// pool is a resource of slots with a FIFO queue. The sum of all waiters of an origin is bounded by room.
type pool struct {
	settings PoolSettings
	abandons bool
	room     *room

	mu      sync.Mutex
	now     condition
	busy    int
	waiters *list.List // of *waiter
	mix     mean
	still   time.Time     // until when it stands still
	pauses  time.Duration // all pauses so far, the one under way in full
}

// waiter is one request in the queue. Its grant is sent once, under the pool's lock, when it is taken out of the list.
type waiter struct {
	service time.Duration
	arrived time.Time
	grant   chan grant
}

// grant is the right to hold a slot from start on for the time of hold; or the news that the pool has lost its patience.
type grant struct {
	start  time.Time
	hold   time.Duration
	pauses time.Duration // that the pool had seen when it was given
	tired  bool
}

func (g grant) due() time.Time { return g.start.Add(g.hold) }

func newPool(s PoolSettings, r *room, abandons bool) *pool {
	if s.MaxContention == 0 {
		s.MaxContention = defaultMaxContention
	}
	return &pool{settings: s, abandons: abandons, room: r, waiters: list.New(), now: condition{1, s.Size, s.Bound}}
}

func (p *pool) serve(ctx context.Context, stop <-chan struct{}, work time.Duration) outcome {
	g, how := p.acquire(ctx, stop, work)
	if how != done {
		return how
	}
	how = p.hold(ctx, stop, &g)
	free := g.due()
	if how == left {
		free = time.Now()
	}
	p.release(free)
	return how
}

// hold waits until a service is over. A pause in it makes it longer.
func (p *pool) hold(ctx context.Context, stop <-chan struct{}, g *grant) outcome {
	for {
		if how := sleepUntil(stop, gone(ctx, p.abandons), g.due()); how != done {
			return how
		}
		p.mu.Lock()
		more := p.pauses - g.pauses
		p.mu.Unlock()
		if more == 0 {
			p.room.noticed(g.due())
			return done
		}
		g.hold += more
		g.pauses += more
	}
}

// gone is closed when the client has left, if the backend listens.
func gone(ctx context.Context, listens bool) <-chan struct{} {
	if listens {
		return ctx.Done()
	}
	return nil
}

func (p *pool) acquire(ctx context.Context, stop <-chan struct{}, service time.Duration) (grant, outcome) {
	p.mu.Lock()
	if p.busy < p.now.size {
		p.busy++
		g := p.grantLocked(service, time.Now())
		p.mu.Unlock()
		return g, done
	}
	if p.now.bound > 0 && p.waiters.Len() >= p.now.bound || !p.room.enter() {
		p.mu.Unlock()
		return grant{}, full
	}
	w := &waiter{service: service, arrived: time.Now(), grant: make(chan grant, 1)}
	place := p.waiters.PushBack(w)
	p.mu.Unlock()
	return p.await(ctx, stop, w, place)
}

func (p *pool) await(ctx context.Context, stop <-chan struct{}, w *waiter, place *list.Element) (grant, outcome) {
	why := done
	select {
	case g := <-w.grant:
		return g, g.outcome()
	case <-gone(ctx, p.settings.LeaveQueue || p.abandons):
		why = left
	case <-stop:
		why = stopped
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case g := <-w.grant: // the slot came first: it is held like any other
		return g, g.outcome()
	default:
		p.waiters.Remove(place)
		p.room.leave()
		return grant{}, why
	}
}

func (g grant) outcome() outcome {
	if g.tired {
		return tired
	}
	return done
}

// release hands the slot whose service was due to end at due to the first waiter. The next service starts then, not now:
// the lateness of timers must not take capacity away. It never starts before its request came.
func (p *pool) release(due time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.fillLocked(due)
}

// fillLocked gives free slots to those who wait, in order, from an instant on.
func (p *pool) fillLocked(from time.Time) {
	for p.busy < p.now.size && p.waiters.Len() > 0 {
		w := p.waiters.Remove(p.waiters.Front()).(*waiter)
		p.room.leave()
		start := from
		if w.arrived.After(start) {
			start = w.arrived
		}
		if patience := p.settings.Patience; patience > 0 && start.Sub(w.arrived) > patience {
			w.grant <- grant{tired: true}
			continue
		}
		p.busy++
		w.grant <- p.grantLocked(w.service, start)
	}
}

func (p *pool) grantLocked(service time.Duration, start time.Time) grant {
	p.mix.add(service)
	if start.Before(p.still) {
		start = p.still
	}
	return grant{start: start, hold: span(float64(service) * p.now.slow * p.contentionLocked()), pauses: p.pauses}
}

// contentionLocked is the factor by which the present waiters make a service longer.
func (p *pool) contentionLocked() float64 {
	crowd := float64(p.waiters.Len()) / float64(p.now.size)
	return 1 + p.settings.Contention*min(crowd, p.settings.MaxContention)
}

func (p *pool) set(c condition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = c
	p.fillLocked(time.Now())
}

func (p *pool) pause(length time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.still = time.Now().Add(length)
	p.pauses += length
}

func (p *pool) snapshot() PoolSnapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return poolSnapshot(p.settings.Name, p.now, p.busy, p.waiters.Len(), p.contentionLocked(), p.mix)
}
