package breaker

import (
	"sync/atomic"
	"time"
)

// A half-open breaker has to spend some requests on finding out whether it may close, and may lose them. The rule of this file says
// which: the least important and idempotent ones first.
//
//	a request may be a probe if nobody cheaper has asked for a while, who could have been one instead:
//	    not critical, safe      for 100 ms, or the breaker has been half-open for a second
//	    not critical, unsafe    for a second, or the breaker has been half-open for a second
//	    critical                for a second
//
// So who is not critical is refused for a second at most for the sake of somebody cheaper, and a critical request is spent only
// where nobody else has come for a second. Who asks is noted from the moment the breaker opens, so that it is known when the first
// probe is due.

// Cost is what is lost with a request that is spent as a probe and fails: 0 is the cheapest.
type Cost uint8

const (
	safeLevels   = 5 // of requests that are not critical: the least important class and the four above, the rest with the last
	costUnsafe   = Cost(safeLevels)
	costCritical = costUnsafe + 1
	costs        = int(costCritical) + 2
)

const (
	patience = time.Second            // who is critical or unsafe waits that long for somebody cheaper
	haste    = 100 * time.Millisecond // the others
	// coarse is how exactly it is known when somebody asked: requests of all cores write it down.
	coarse = 10 * time.Millisecond
)

// CostOf gives the cost of a request of a class, 0 being the most important of so many. unsafe says that it must not be sent twice.
// A class that does not exist is the nearest that does.
func CostOf(class, classes int, unsafe bool) Cost {
	switch {
	case class <= 0 && unsafe:
		return costCritical + 1
	case class <= 0:
		return costCritical
	case unsafe:
		return costUnsafe
	}
	return Cost(min(max(classes-1-class, 0), safeLevels-1))
}

// askers remembers when requests of each cost asked last. The zero value has seen nobody. It may be used by several goroutines.
type askers [costs]atomic.Int64

// saw notes who asks. Times begin at 0, which means never, so they are kept one higher.
func (a *askers) saw(now time.Duration, c Cost) {
	cell := &a[min(int(c), costs-1)]
	if last := cell.Load(); last == 0 || int64(now)+1-last >= int64(coarse) {
		cell.Store(int64(now) + 1)
	}
}

// may reports whether a request of that cost may be a probe of a breaker that has been half-open since then.
func (a *askers) may(now time.Duration, c Cost, since time.Duration) bool {
	if c < costCritical && now-since >= patience {
		return true
	}
	wait := patience
	if c < costUnsafe {
		wait = haste
	}
	for cheaper := range min(int(c), costs) {
		if last := a[cheaper].Load(); last != 0 && int64(now)+1-last < int64(wait) {
			return false
		}
	}
	return true
}
