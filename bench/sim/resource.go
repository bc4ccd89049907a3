package sim

import (
	"container/heap"
	"math"
	"slices"
	"time"
)

// resource is a Resource at work.
type resource struct {
	Resource
	index  int
	size   int
	bound  int
	slow   float64
	dice   *dice
	pauses time.Duration // sum of the pauses so far, the one under way in full
	until  time.Duration // end of the newest pause

	// Slots.
	busy    int
	waiters fifo

	// Processor: own is the service that a request would have received that was there from the beginning, in seconds.
	own   float64
	since time.Duration
	here  sharers
	stamp uint32
}

// fifo is a queue that gives its room back.
type fifo struct {
	jobs []*job
	head int
}

func (f *fifo) len() int { return len(f.jobs) - f.head }

func (f *fifo) push(j *job) { f.jobs = append(f.jobs, j) }

func (f *fifo) pop() *job {
	j := f.jobs[f.head]
	f.jobs[f.head] = nil
	f.head++
	if f.head > 64 && f.head*2 > len(f.jobs) {
		f.jobs = append(f.jobs[:0], f.jobs[f.head:]...)
		f.head = 0
	}
	return j
}

func (f *fifo) remove(j *job) {
	if i := slices.Index(f.jobs[f.head:], j); i >= 0 {
		f.jobs = slices.Delete(f.jobs, f.head+i, f.head+i+1)
	}
}

// contention is by how much the waiters slow those down who are served.
func (r *resource) contention(waiters float64) float64 {
	return 1 + r.Contention*math.Min(waiters/float64(r.size), 10)
}

// queue takes a request to a resource.
func (w *world) queue(res *resource, j *job) {
	j.at = res
	if res.Sharing == Processor {
		w.reshareBefore(res)
		j.until = res.own + j.work
		heap.Push(&res.here, j)
		w.reshare(res)
		return
	}
	if res.bound > 0 && res.waiters.len() >= res.bound {
		w.turnAway(j)
		return
	}
	j.queued = w.now
	res.waiters.push(j)
	w.fill(res)
}

// turnAway answers with an error without having worked.
func (w *world) turnAway(j *job) {
	j.at = nil
	w.finish(j, false)
}

// fill gives free slots to those who wait, in order.
func (w *world) fill(res *resource) {
	for res.Sharing == Slots && res.busy < res.size && res.waiters.len() > 0 {
		j := res.waiters.pop()
		if res.Patience > 0 && w.now-j.queued > res.Patience {
			w.turnAway(j)
			continue
		}
		res.busy++
		j.queued = -1
		j.pauses = res.pauses
		still := max(res.until-w.now, 0)
		took := seconds(j.work * res.slow * res.contention(float64(res.waiters.len())))
		w.plan(still+took, event{kind: atStep, job: j, stamp: j.stamp})
	}
}

// pause lets a resource stand still.
func (w *world) pause(res *resource) {
	w.reshareBefore(res)
	res.until = w.now + res.Pause.For
	res.pauses += res.Pause.For
	w.reshare(res)
	if res.Sharing == Processor {
		w.plan(res.Pause.For, event{kind: atGoOn, index: res.index})
	}
	if w.now < w.end {
		w.plan(res.Pause.For+res.dice.Jitter(res.Pause.Every), event{kind: atPause, index: res.index})
	}
}

// speed is how much service each who shares a processor receives in a second.
func (r *resource) speed(now time.Duration) float64 {
	if now < r.until || len(r.here) == 0 {
		return 0
	}
	n, cores := float64(len(r.here)), float64(r.size)
	return math.Min(1, cores/n) / r.slow / r.contention(math.Max(n-cores, 0))
}

// reshareBefore brings a processor's own time up to date; it is called before anything about it changes.
func (w *world) reshareBefore(res *resource) {
	if res.Sharing == Processor {
		res.own += res.speed(res.since) * (w.now - res.since).Seconds()
		res.since = w.now
	}
}

// reshare plans who is done next, after something has changed.
func (w *world) reshare(res *resource) {
	if res.Sharing != Processor {
		return
	}
	w.reshareBefore(res)
	res.stamp++
	speed := res.speed(w.now)
	if speed == 0 {
		return
	}
	in := math.Max(res.here[0].until-res.own, 0) / speed
	w.plan(seconds(in), event{kind: atShare, index: res.index, stamp: res.stamp})
}

// shareDone lets the first of those go on who share a processor.
func (w *world) shareDone(e event) {
	res := w.pools[e.index]
	if e.stamp != res.stamp {
		return
	}
	w.reshareBefore(res)
	j := heap.Pop(&res.here).(*job)
	w.goOn(j)
	w.reshare(res)
	w.settleOracle()
}

func (r *resource) leave(j *job) {
	if i := slices.Index(r.here, j); i >= 0 {
		heap.Remove(&r.here, i)
	}
}

// sharers is a heap: who is done first comes first.
type sharers []*job

func (s sharers) Len() int           { return len(s) }
func (s sharers) Less(i, j int) bool { return s[i].until < s[j].until }
func (s sharers) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *sharers) Push(x any)        { *s = append(*s, x.(*job)) }
func (s *sharers) Pop() any {
	last := len(*s) - 1
	j := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return j
}
