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
	queue    queue.Queue[*Ticket]
	// held are times until which a fast failure counts as in flight, in order.
	held  []time.Duration
	group *group // nil for a route by itself
}

// free reports whether one more may run.
func (d *domain) free() bool { return float64(d.inFlight+len(d.held)) < math.Max(1, d.limit) }

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

// hold counts a fast failure as in flight until its baseline has passed.
func (d *domain) hold(until time.Duration) {
	if d.group == nil || len(d.held) > 10_000 {
		return
	}
	if n := len(d.held); n > 0 {
		until = max(until, d.held[n-1])
	}
	d.held = append(d.held, until)
}

func (d *domain) releaseHeld(now time.Duration) {
	n := 0
	for n < len(d.held) && d.held[n] <= now {
		n++
	}
	if n > 0 {
		d.held = append(d.held[:0], d.held[n:]...)
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
