package peer

import (
	"container/heap"
	"container/list"
	"time"

	"triage/bench/sim"
)

// room holds waiting requests in two orders: by (rank, arrival) for who is next, by arrival for who has waited longest. With one
// rank for all it is a FIFO queue.
type room struct {
	best     byRank
	arrivals list.List // of *place
	seq      uint64
}

// place is a request's place in a room.
type place struct {
	request  *sim.Request
	rank     int // lower is better
	seq      uint64
	deadline time.Duration // when it is turned away; never for no deadline
	index    int           // in best
	element  *list.Element // in arrivals
}

func (q *room) len() int { return len(q.best) }

func (q *room) add(r *sim.Request, rank int, deadline time.Duration) {
	q.seq++
	p := &place{request: r, rank: rank, seq: q.seq, deadline: deadline}
	p.element = q.arrivals.PushBack(p)
	heap.Push(&q.best, p)
	r.Policy = p
}

// next gives the best one; the room must not be empty.
func (q *room) next() *place { return q.best[0] }

// oldest gives the one that has waited longest, nil if nobody waits.
func (q *room) oldest() *place {
	if e := q.arrivals.Front(); e != nil {
		return e.Value.(*place)
	}
	return nil
}

// worst gives the least important and, among equals, the newest. It looks at all of them, which is only done when the room is full.
func (q *room) worst() *place {
	w := q.best[0]
	for _, p := range q.best {
		if before(w, p) {
			w = p
		}
	}
	return w
}

func (q *room) remove(p *place) {
	heap.Remove(&q.best, p.index)
	q.arrivals.Remove(p.element)
	p.request.Policy = nil
}

func before(a, b *place) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.seq < b.seq
}

// byRank is a heap.Interface.
type byRank []*place

func (h byRank) Len() int           { return len(h) }
func (h byRank) Less(i, j int) bool { return before(h[i], h[j]) }

func (h byRank) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byRank) Push(x any) {
	p := x.(*place)
	p.index = len(*h)
	*h = append(*h, p)
}

func (h *byRank) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
