package origin

import (
	"container/heap"
	"context"
	"math"
	"sync"
	"time"
)

// processor is a resource that serves everybody at once; above its size (cores) each gets its share of them. It has a time of its own:
// the service that a request would have received that was there from the beginning. What is over is found by going from one end to
// the next in that time, so that a late timer delays answers but takes no capacity away.
type processor struct {
	settings PoolSettings
	abandons bool
	room     *room
	factor   float64 // most contention

	mu    sync.Mutex
	now   condition
	own   float64 // in seconds
	since time.Time
	here  sharers
	mix   mean
	still time.Time
	timer *time.Timer
}

// sharer is a request in service; over is closed when its service is.
type sharer struct {
	until float64 // in the processor's own time
	index int     // in the heap; −1: no more
	over  chan struct{}
}

func newProcessor(s PoolSettings, r *room, abandons bool) *processor {
	if s.MaxContention == 0 {
		s.MaxContention = defaultMaxContention
	}
	return &processor{settings: s, abandons: abandons, room: r, factor: s.MaxContention, now: condition{1, s.Size, 0}}
}

func (p *processor) serve(ctx context.Context, stop <-chan struct{}, work time.Duration) outcome {
	if !p.room.enter() {
		return full
	}
	defer p.room.leave()
	s := p.enter(work)
	how := done
	select {
	case <-s.over:
		return done
	case <-gone(ctx, p.abandons):
		how = left
	case <-stop:
		how = stopped
	}
	p.leave(s)
	return how
}

func (p *processor) enter(work time.Duration) *sharer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advanceLocked(time.Now())
	p.mix.add(work)
	s := &sharer{until: p.own + work.Seconds(), over: make(chan struct{})}
	heap.Push(&p.here, s)
	p.armLocked()
	return s
}

func (p *processor) leave(s *sharer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advanceLocked(time.Now())
	if s.index >= 0 {
		heap.Remove(&p.here, s.index)
	}
	p.armLocked()
}

// speed is how much service each receives in a second.
func (p *processor) speedLocked() float64 {
	return math.Min(1, float64(p.now.size)/float64(len(p.here))) / p.now.slow / p.contentionLocked()
}

func (p *processor) contentionLocked() float64 {
	crowd := math.Max(float64(len(p.here))/float64(p.now.size)-1, 0)
	return 1 + p.settings.Contention*math.Min(crowd, p.factor)
}

// advanceLocked brings the processor's own time to an instant, and ends what ends until then.
func (p *processor) advanceLocked(now time.Time) {
	for len(p.here) > 0 {
		if p.since.Before(p.still) {
			p.since = earlier(p.still, now)
		}
		next := p.nextLocked()
		if next.After(now) {
			p.own += p.speedLocked() * now.Sub(p.since).Seconds()
			break
		}
		s := heap.Pop(&p.here).(*sharer)
		p.own, p.since = math.Max(p.own, s.until), next
		p.room.noticed(next)
		close(s.over)
	}
	p.since = now
}

// nextLocked is when the first of those who share is done, if nothing changes.
func (p *processor) nextLocked() time.Time {
	begins := p.since
	if begins.Before(p.still) {
		begins = p.still
	}
	return begins.Add(span(1e9 * math.Max(p.here[0].until-p.own, 0) / p.speedLocked()))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// armLocked sets the timer to the next end.
func (p *processor) armLocked() {
	if p.timer != nil {
		p.timer.Stop()
	}
	if len(p.here) > 0 {
		p.timer = time.AfterFunc(time.Until(p.nextLocked()), p.wake)
	}
}

func (p *processor) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advanceLocked(time.Now())
	p.armLocked()
}

func (p *processor) set(c condition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advanceLocked(time.Now())
	p.now = c
	p.armLocked()
}

func (p *processor) pause(length time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.advanceLocked(now)
	p.still = now.Add(length)
	p.armLocked()
}

func (p *processor) snapshot() PoolSnapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advanceLocked(time.Now())
	busy := min(len(p.here), p.now.size)
	return poolSnapshot(p.settings.Name, p.now, busy, len(p.here)-busy, p.contentionLocked(), p.mix)
}

// sharers is a heap: who is done first comes first.
type sharers []*sharer

func (s sharers) Len() int           { return len(s) }
func (s sharers) Less(i, j int) bool { return s[i].until < s[j].until }
func (s sharers) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i, j
}

func (s *sharers) Push(x any) {
	x.(*sharer).index = len(*s)
	*s = append(*s, x.(*sharer))
}

func (s *sharers) Pop() any {
	last := (*s)[len(*s)-1]
	(*s)[len(*s)-1] = nil
	*s = (*s)[:len(*s)-1]
	last.index = -1
	return last
}
