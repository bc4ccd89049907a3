package load

import (
	"container/heap"
	"context"
	"runtime"
	"sync"
	"time"
)

// runLooped sends everything and reads every answer in this goroutine.
func (l *lean) runLooped() {
	stop := context.AfterFunc(l.ctx, l.loop.Wake)
	defer stop()
	for _, c := range l.clients {
		c.Join(l.loop)
	}
	l.g.dispatch(l.ctx, l.begun, l.until, l.start)
	for l.ctx.Err() == nil && l.later.users() > 0 {
		l.until(time.Now().Add(ringStep))
	}
	l.close() // whoever is still under way is cut short
	for range l.later.clear() {
		l.requests.Done()
	}
	l.requests.Wait()
}

// until lets everything happen that does before an instant, and reports whether that was reached before the run's end.
func (l *lean) until(instant time.Time) bool {
	l.pace.next(instant)
	for l.ctx.Err() == nil {
		now := time.Now()
		wait := instant.Sub(now)
		if wait <= 0 && l.inOneGo < breath {
			l.inOneGo++
			return true
		}
		if a, due, in := l.later.take(now.Sub(l.begun)); due {
			l.launch(a)
			continue
		} else if in > 0 {
			wait = min(wait, in)
		}
		if l.inOneGo >= breath {
			runtime.Gosched()
		}
		l.inOneGo = 0
		if wait > 0 && wait < nap && l.pace.quick() {
			l.loop.Nap(nap)
			runtime.Gosched() // others' turn, where there is one core
			wait = 0
		}
		l.loop.Turn(wait)
	}
	return false
}

const (
	// nap is how long it is slept at least when much is sent: what becomes due meanwhile is sent, and what comes is read, in one go.
	nap = 150 * time.Microsecond
	// quickGap is the mean time between two requests below which that is worth it.
	quickGap = 50 * time.Microsecond
)

// pace is how fast requests follow each other: a mean over about the last hundred gaps.
type pace struct {
	last time.Time
	gap  time.Duration
}

func (p *pace) next(instant time.Time) {
	if p.last.IsZero() {
		p.gap = time.Second
	} else {
		p.gap += (min(max(instant.Sub(p.last), 0), time.Second) - p.gap) / 100
	}
	p.last = instant
}

func (p *pace) quick() bool { return p.gap < quickGap }

// later is what users send after something has ended, by its instant. Whoever has a user who is not done may add.
type later struct {
	mu   sync.Mutex
	all  arrivals
	open int // users who are not done
}

func (w *later) begin() {
	w.mu.Lock()
	w.open++
	w.mu.Unlock()
}

func (w *later) done() {
	w.mu.Lock()
	w.open--
	w.mu.Unlock()
}

func (w *later) users() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}

func (w *later) add(a Arrival) {
	w.mu.Lock()
	heap.Push(&w.all, a)
	w.mu.Unlock()
}

// take gives the first if its instant has come, or the time until then; 0 if there is none.
func (w *later) take(now time.Duration) (a Arrival, due bool, in time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.all) == 0:
		return a, false, 0
	case w.all[0].At > now:
		return a, false, w.all[0].At - now
	}
	return heap.Pop(&w.all).(Arrival), true, 0
}

// clear forgets all, and says how many there were.
func (w *later) clear() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.all)
	w.all, w.open = nil, w.open-n
	return n
}

// arrivals are a heap by instant.
type arrivals []Arrival

func (a arrivals) Len() int           { return len(a) }
func (a arrivals) Less(i, j int) bool { return a[i].At < a[j].At }
func (a arrivals) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(v any)        { *a = append(*a, v.(Arrival)) }
func (a *arrivals) Pop() any {
	last := len(*a) - 1
	v := (*a)[last]
	*a = (*a)[:last]
	return v
}
