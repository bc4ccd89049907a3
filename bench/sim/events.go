package sim

import (
	"container/heap"
	"time"
)

// pool is a Pool at work.
type pool struct {
	Pool
	busy    int
	waiters []*request
	slow    float64
	reject  int
}

type event struct {
	at    time.Duration
	order uint64 // of two events at the same instant the one that was planned first goes first
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func (w *world) at(t time.Duration, do func()) {
	w.order++
	heap.Push(&w.events, event{t, w.order, do})
}
