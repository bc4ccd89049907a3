package origin

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// mixWeight is the weight of the newest service in the moving mean of what the pool is asked for: it forgets in about
// a hundred services.
const mixWeight = 1.0 / 100

// pool is a resource of a fixed number of slots with a FIFO queue. The sum of all waiters of an origin is bounded by room.
type pool struct {
	settings PoolSettings
	room     *room

	mu      sync.Mutex
	busy    int
	waiters *list.List // of *waiter
	slow    float64
	// mix is the moving mean of the unloaded service times that got a slot, in seconds; 0 before the first.
	mix float64
}

// waiter is one request in the queue. Its grant is sent once, under the pool's lock, when it is taken out of the list.
type waiter struct {
	service time.Duration
	arrived time.Time
	grant   chan grant
}

// grant is the right to hold a slot from start on for the time of hold.
type grant struct {
	start time.Time
	hold  time.Duration
}

func (g grant) due() time.Time { return g.start.Add(g.hold) }

// room counts the waiters of all pools.
type room struct {
	limit int64
	taken atomic.Int64
}

func (r *room) enter() bool {
	if r.taken.Add(1) > r.limit {
		r.taken.Add(-1)
		return false
	}
	return true
}

func (r *room) leave() { r.taken.Add(-1) }

func newPool(s PoolSettings, r *room) *pool {
	if s.MaxContention == 0 {
		s.MaxContention = defaultMaxContention
	}
	return &pool{settings: s, room: r, waiters: list.New(), slow: 1}
}

// outcome says how an attempt to be served by a pool ended.
type outcome uint8

const (
	done    outcome = iota
	full            // too many waiters: never queued
	left            // the client left the queue, and the pool lets it
	stopped         // the origin was stopped
)

// serve waits for a slot and holds it for the service time. It returns when the service is over; stop ends it early.
func (p *pool) serve(ctx context.Context, stop <-chan struct{}, service time.Duration) outcome {
	g, how := p.acquire(ctx, stop, service)
	if how != done {
		return how
	}
	if !sleepUntil(stop, g.due()) {
		how = stopped
	}
	p.release(g.due())
	return how
}

func (p *pool) acquire(ctx context.Context, stop <-chan struct{}, service time.Duration) (grant, outcome) {
	p.mu.Lock()
	if p.busy < p.settings.Size {
		p.busy++
		g := p.grantLocked(service, time.Now())
		p.mu.Unlock()
		return g, done
	}
	if !p.room.enter() {
		p.mu.Unlock()
		return grant{}, full
	}
	w := &waiter{service: service, arrived: time.Now(), grant: make(chan grant, 1)}
	place := p.waiters.PushBack(w)
	p.mu.Unlock()
	return p.await(ctx, stop, w, place)
}

func (p *pool) await(ctx context.Context, stop <-chan struct{}, w *waiter, place *list.Element) (grant, outcome) {
	var gone <-chan struct{}
	if p.settings.LeaveQueue {
		gone = ctx.Done()
	}
	why := done
	select {
	case g := <-w.grant:
		return g, done
	case <-gone:
		why = left
	case <-stop:
		why = stopped
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case g := <-w.grant: // the slot came first: it is held like any other
		return g, done
	default:
		p.waiters.Remove(place)
		p.room.leave()
		return grant{}, why
	}
}

// release hands the slot whose service was due to end at due to the first waiter. The next service starts then, not now:
// the lateness of timers must not take capacity away. It never starts before its request came.
func (p *pool) release(due time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.waiters.Front()
	if first == nil {
		p.busy--
		return
	}
	w := p.waiters.Remove(first).(*waiter)
	p.room.leave()
	start := due
	if w.arrived.After(start) {
		start = w.arrived
	}
	w.grant <- p.grantLocked(w.service, start)
}

func (p *pool) grantLocked(service time.Duration, start time.Time) grant {
	if p.mix == 0 {
		p.mix = service.Seconds()
	}
	p.mix += mixWeight * (service.Seconds() - p.mix)
	return grant{start: start, hold: span(float64(service) * p.slow * p.contentionLocked())}
}

// contentionLocked is the factor by which the present waiters make a service longer.
func (p *pool) contentionLocked() float64 {
	crowd := float64(p.waiters.Len()) / float64(p.settings.Size)
	return 1 + p.settings.Contention*min(crowd, p.settings.MaxContention)
}

func (p *pool) setSlow(factor float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = factor
}

// sleepUntil reports whether due was reached before stop.
func sleepUntil(stop <-chan struct{}, due time.Time) bool {
	rest := time.Until(due)
	if rest <= 0 {
		return true
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}
