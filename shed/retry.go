package shed

import (
	"fmt"
	"math"
	"time"
)

// Retries are demand that a refusal makes. A few are welcome: they repair what was a matter of chance. A storm of them keeps an overload up
// after its cause has gone, and takes slots from people who have not been served at all. So while a route's retries are more than
// a tenth of its first tries, they count as one class lower than their route: they wait behind its first tries, and are refused
// before them. That is a storm's whole effect: it raises nobody, and a retry outside of one is like any other request.
//
//	storm begins   retries > 0.10·firsts + 2·√(0.10·firsts + 1)     the root keeps a few at night from being one
//	storm ends     retries < 0.05·firsts
//
// Both are counted over the last seconds, fading by half every two. A client that says of first tries that they are none, hurts itself; one
// that leaves it out is treated as it would be without this file.

const (
	stormAbove    = 0.10 // retries to first tries
	calmBelow     = 0.05
	stormHalfLife = 2 * time.Second
)

// storm counts a route's tries. The zero value has seen none.
type storm struct {
	firsts, retries float64
	on              bool
}

// next is the storm after another tick.
func (s storm) next(firsts, retries int) storm {
	fade := math.Exp2(-tickEvery.Seconds() / stormHalfLife.Seconds())
	s.firsts = s.firsts*fade + float64(max(firsts, 0))
	s.retries = s.retries*fade + float64(max(retries, 0))
	usual := stormAbove * s.firsts
	switch {
	case s.firsts+s.retries < nothing:
		return storm{}
	case s.on && s.retries < calmBelow*s.firsts, s.firsts+s.retries < 0.5:
		s.on = false
	case s.retries > usual+2*math.Sqrt(usual+1):
		s.on = true
	}
	return s
}

// weather looks at what came in a route's tick, before it is closed.
func (c *Controller) weather(now time.Duration, r *Route) {
	before, firsts := r.storm.on, r.tick.Arrivals-r.retries
	r.storm, r.retries = r.storm.next(firsts, r.retries), 0
	r.flow = r.flow.next(firsts, r.tick.Completed-r.tick.Errors)
	share := 100 * r.storm.retries / math.Max(r.storm.firsts, 1)
	switch {
	case r.storm.on && !before:
		c.entries.add(now, "retries", r.Name(), 0, 1, fmt.Sprintf("retries are %.0f %% of the first tries: they count as one class lower", share))
	case before && !r.storm.on:
		c.entries.add(now, "retries", r.Name(), 1, 0, fmt.Sprintf("retries are %.0f %% of the first tries: they count like others again", share))
	}
}

// classOf is the class that a ticket of the route counts as.
func (r *Route) classOf(t *Ticket) uint8 {
	if t.Retry {
		return r.retryClass()
	}
	return r.class
}

// retryClass is the class that the route's retries count as.
func (r *Route) retryClass() uint8 {
	if r.storm.on {
		return r.class + 1
	}
	return r.class
}
