package sim

import (
	"math"
	"time"
)

func seconds(s float64) time.Duration {
	return time.Duration(math.Min(s, longest) * float64(time.Second))
}

// longest is as good as never, and can be added to any time of a run.
const longest = 1e9 // seconds

// kind says what an event does.
type kind uint8

const (
	atPhase    kind = iota // a phase begins
	atArrival              // a source's next user
	atStage                // a user begins the next stage of a journey, or tries again
	atReach                // a request comes to its sidecar
	atDeadline             // a client leaves
	atGone                 // a sidecar notices that a client has left
	atTimeout              // a sidecar gives up waiting for the backend
	atStep                 // a step has been served
	atShare                // the first of those who share a processor is done
	atPause                // a resource begins to stand still
	atGoOn                 // a processor goes on after a pause
	atAnswer               // the backend's answer comes to the sidecar
	atTick                 // of a policy
	atWake                 // of a policy: waiting requests are decided by time
	atStall                // a sidecar begins to stand still
	atSample               // the limits are noted
)

// event is something that happens at an instant. Which fields count depends on its kind.
type event struct {
	at    time.Duration
	order uint64 // of two events at the same instant the one that was planned first goes first
	job   *job
	call  *call
	index int
	stamp uint32 // an event whose stamp is not its subject's any more is void
	kind  kind
	ok    bool
}

// calendar gives events in the order of time. Deadlines, which all lie equally far ahead and of which there is one for every request,
// stand in a queue; the rest is a heap with four children a node, half as deep as a binary one. The heap holds places, without
// pointers, so that the garbage collector does not have to be told of every move.
type calendar struct {
	heap  []place
	slab  []event // of the heap's events
	free  []int32 // unused places of the slab
	queue []event // from head on
	head  int
	order uint64
}

type place struct {
	at    time.Duration
	order uint64
	slot  int32
}

func (e *place) before(f *place) bool {
	return e.at < f.at || e.at == f.at && e.order < f.order
}

// addLast puts an event into the queue: it must not be earlier than any that was put there before.
func (c *calendar) addLast(e event) {
	c.order++
	e.order = c.order
	c.queue = append(c.queue, e)
}

func (c *calendar) add(e event) {
	c.order++
	p := place{at: e.at, order: c.order, slot: int32(len(c.slab))}
	if last := len(c.free) - 1; last >= 0 {
		p.slot = c.free[last]
		c.free = c.free[:last]
		c.slab[p.slot] = e
	} else {
		c.slab = append(c.slab, e)
	}
	c.heap = append(c.heap, p)
	i := len(c.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !p.before(&c.heap[parent]) {
			break
		}
		c.heap[i] = c.heap[parent]
		i = parent
	}
	c.heap[i] = p
}

// next takes the earliest event out; ok is false if there is none.
func (c *calendar) next() (first event, ok bool) {
	if c.head < len(c.queue) {
		q := place{at: c.queue[c.head].at, order: c.queue[c.head].order}
		if len(c.heap) == 0 || q.before(&c.heap[0]) {
			return c.shift(), true
		}
	}
	if len(c.heap) == 0 {
		return event{}, false
	}
	slot := c.heap[0].slot
	first = c.slab[slot]
	c.slab[slot] = event{}
	c.free = append(c.free, slot)
	last := len(c.heap) - 1
	p := c.heap[last]
	c.heap = c.heap[:last]
	if last > 0 {
		c.sink(p)
	}
	return first, true
}

// shift takes the head of the queue, and gives the room behind it back now and then.
func (c *calendar) shift() event {
	e := c.queue[c.head]
	c.queue[c.head] = event{}
	c.head++
	if c.head > 1024 && 2*c.head > len(c.queue) {
		n := copy(c.queue, c.queue[c.head:])
		clear(c.queue[n:])
		c.queue, c.head = c.queue[:n], 0
	}
	return e
}

// sink puts p at the root and lets it down to its place.
func (c *calendar) sink(p place) {
	i, n := 0, len(c.heap)
	for {
		least := 4*i + 1
		if least >= n {
			break
		}
		for child := least + 1; child < min(4*i+5, n); child++ {
			if c.heap[child].before(&c.heap[least]) {
				least = child
			}
		}
		if !c.heap[least].before(&p) {
			break
		}
		c.heap[i] = c.heap[least]
		i = least
	}
	c.heap[i] = p
}
