package shed

import (
	"math"
	"time"
)

// Whoever scales a backend by what it does, or by what is in flight, is misled by its protection: what is refused is in neither (knative,
// issue 2579). So every route tells how much concurrency its users ask for, refused ones included, and how much of that they got:
//
//	demand = first tries a second · baseline · slowness       slots: what would be in flight if all were let in and nobody queued
//	served = answers without an error a second · baseline · slowness
//
// Requests that say that they are retries do not count as demand: their first try did. Both fade by half every five seconds.

const flowHalfLife = 5 * time.Second

// flow is what comes and what is answered, a second. The zero value has seen nothing.
type flow struct{ offered, served float64 }

// next is the flow after another tick.
func (f flow) next(offered, served int) flow {
	fade := math.Exp2(-tickEvery.Seconds() / flowHalfLife.Seconds())
	f.offered += (float64(max(offered, 0))/tickEvery.Seconds() - f.offered) * (1 - fade)
	f.served += (float64(max(served, 0))/tickEvery.Seconds() - f.served) * (1 - fade)
	if f.offered < nothing && f.served < nothing {
		return flow{}
	}
	return f
}

// nothing is what a count that fades has faded to when nobody will miss it.
const nothing = 1e-6

// slots gives demand and what was served of it; 0 while the baseline is unknown.
func (r *Route) slots() (demand, served float64) {
	return r.flow.offered * r.scaled(), r.flow.served * r.scaled()
}
