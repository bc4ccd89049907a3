package shed

import (
	"math"
	"time"

	"triage/shed/queue"
)

const (
	roomFloor    = 32
	roomShare    = 2 // of the limit
	waitCritical = 400 * time.Millisecond
	waitOthers   = 400 * time.Millisecond
	waitBase     = 0.1 // seconds of baseline for which the two hold; longer baselines wait longer
	waitLongest  = 5 * time.Second
	probeEvery   = time.Second
)

// domain is what has a limit and a waiting room: a route by itself, or a group.
type domain struct {
	routes   []*Route
	limit    float64 // +Inf: none
	inFlight int
	lent     bool // of a group: the doors of its routes are open
	queue    queue.Queue[*Ticket]
	every    time.Duration // how often a slot comes free, as it was at the last tick; 0: not known
	failed   held          // fast failures
	ghosts   held          // requests that got no answer: the backend may still be at work for them
	group    *group        // nil for a route by itself
	shadow   shadow        // of the queue, while the controller observes
	sign     sign
}

// held are times until which something that is over still counts as in flight, in order.
type held []time.Duration

// left is the limit less what counts as in flight. Ghosts take half of the limit at the most: some backends do let go.
func (d *domain) left() float64 {
	limit := max(1, d.limit)
	return limit - (float64(d.inFlight+len(d.failed)) + min(float64(len(d.ghosts)), limit/2))
}

// free reports whether one more may run.
func (d *domain) free() bool { return d.left() > 0 }

// slots is how many may certainly run at once beside those that do.
func (d *domain) slots() int { return int(max(0, min(d.left(), flightMost))) }

func (d *domain) room() int {
	if math.IsInf(d.limit, 1) {
		return math.MaxInt
	}
	return max(roomFloor, int(roomShare*d.limit))
}

// reason is what a request that this domain cannot take is told.
func (d *domain) reason() Reason {
	if d.group == nil {
		return Headroom
	}
	return Limit
}

// heldMost bounds the memory of a flood of failures.
const heldMost = 10_000

// hold lets something count as in flight until a time, inside a group.
func (d *domain) hold(h *held, until time.Duration) {
	if d.group == nil || len(*h) > heldMost {
		return
	}
	if n := len(*h); n > 0 {
		until = max(until, (*h)[n-1])
	}
	*h = append(*h, until)
}

// ghostMost is how long a request that got no answer counts as in flight at most.
const ghostMost = 2 * time.Second

// haunt lets a request that got no answer count for as long again as it was there: many backends work on for clients that have left, and
// whoever fills the slots that seem free then keeps the backend flooded with work that nobody waits for any more.
func (d *domain) haunt(now, took time.Duration) {
	d.hold(&d.ghosts, now+min(took, ghostMost))
}

func (d *domain) releaseHeld(now time.Duration) {
	d.failed.release(now)
	d.ghosts.release(now)
}

// first is when the first of them is over.
func (h held) first() time.Duration {
	if len(h) == 0 {
		return math.MaxInt64
	}
	return h[0]
}

func (h *held) release(now time.Duration) {
	n := 0
	for n < len(*h) && (*h)[n] <= now {
		n++
	}
	if n > 0 {
		*h = append((*h)[:0], (*h)[n:]...)
	}
}

// wait is the deadline in the waiting room.
func (r *Route) wait() time.Duration {
	wait := waitOthers
	if r.class == 0 {
		wait = waitCritical
	}
	if scaled := r.scaled(); scaled > waitBase {
		wait = time.Duration(float64(wait) * scaled / waitBase)
	}
	return min(wait, waitLongest)
}
