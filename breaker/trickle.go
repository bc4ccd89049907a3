package breaker

import "time"

// trickleLeast is the longest gap in a trickle, as long as anybody asks: a route with a request now and then is not worth sparing, and
// would take minutes to be found healthy.
const trickleLeast = time.Second

// trickle lets an even share of the requests pass while the breaker is open: a brown-out instead of a full stop.
type trickle struct {
	// credit is the share of a request that is saved up, below 1; last is when one passed.
	credit float64
	last   time.Duration
}

// next counts one request and reports whether it passes.
func (t trickle) next(now time.Duration, share float64) (trickle, bool) {
	t.credit += share
	if t.credit < 1 && now-t.last < trickleLeast {
		return t, false
	}
	return trickle{credit: max(0, t.credit-1), last: now}, true
}
