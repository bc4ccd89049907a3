package shed

import (
	"math"
	"time"
)

// Who cannot be answered in time is refused, not sent to a backend that would work in vain. The idea is Bouncer's (Xu and Colmenares,
// SIGMOD'24): predict a request's response time when it arrives, by what stands before it and by how long its kind takes.
//
// What a request of a route takes is taken to be lognormal, as service times mostly are, with
//
//	mean m = baseline · slowness · pace     seconds; pace is 1.3 in a group: the law leaves a latency alone up to there
//	cv                                      of single answers, learned with the baseline
//
// so that the share q of its answers comes within m · exp(σ·z(q) − σ²/2), with σ² = ln(1 + cv²) and z the normal quantile. With that the
// route has two times: quick, in which half of its answers come, and surely, in which nineteen of twenty do. A request with the
// patience D (from its arrival to its deadline) may begin to run while it has left
//
//	needs = min(surely, (D + quick)/2)
//
// or more: a slot is for who will surely make use of it; where the patience is short for any request of the route, a request may spend
// half of its slack waiting. For D < quick that is more than D: not even a request that need not wait is likely to make it.
//
// Slots come free one every M/L seconds, where L is the limit of the domain and M the mean of m over what is in flight there (Little's
// law). So a request behind n better ones begins to run after (n + 1)·M/L, or later, for those who come after it and are better are not
// counted. It is refused at its arrival if it will not have enough time left then, and leaves the waiting room when it has not.
//
// What this never does: refuse without evidence (a baseline that is only guessed counts for nothing), refuse when a slot is free and
// nobody waits (nothing would be saved), or keep out the one request a second that every route has (nothing would be learned). The
// latency of late is left out on purpose: it is that of requests which met the flood, and those who come after the cut do not.
//
// A deadline can only be to the loss of who says it: it moves nobody to a better place, and what is refused for its sake is no sign of
// trouble to the law.

const (
	// Normal quantiles: of a half, and of nineteen in twenty.
	quickAt  = 0
	surelyAt = 1.645
	// paceInGroup is the latency ratio that the law puts up with.
	paceInGroup = suffersAt
	// longestPatience keeps sums of times from running over.
	longestPatience = 24 * time.Hour
)

// mean is what an answer of the route takes at the moment, in seconds; 0 if there is no evidence.
func (r *Route) mean() float64 {
	switch {
	case !r.base.Known():
		return 0
	case r.domain.group != nil:
		return r.scaled() * paceInGroup
	}
	return r.scaled()
}

// within is the time in which the share of answers comes whose normal quantile is z; the mean is in seconds.
func within(mean, cv, z float64) time.Duration {
	variance := math.Log1p(cv * cv)
	return time.Duration(mean * math.Exp(math.Sqrt(variance)*z-variance/2) * float64(time.Second))
}

// needs is the time that a ticket must have left when it begins to run.
func (t *Ticket) needs() time.Duration {
	patience := min(t.Deadline-t.since, longestPatience)
	return min(t.Route.surely, (patience+t.Route.quick)/2)
}

// soonest is when a request can begin to run, behind so many better ones, if a slot comes free every so often.
func soonest(ahead int, every time.Duration) time.Duration {
	return time.Duration(math.Min(float64(ahead+1)*float64(every), math.MaxInt64/2))
}

// foresee works out at every tick what predictions go by.
func (c *Controller) foresee() {
	for _, r := range c.awake {
		mean, cv := r.mean(), r.base.CV()
		r.quick, r.surely = within(mean, cv, quickAt), within(mean, cv, surelyAt)
		r.solo.every = every([]*Route{r}, r.solo.limit)
	}
	for _, g := range c.groups {
		g.every = every(g.routes, g.limit)
	}
}

// every is how often one of a domain's slots comes free; 0 if that is not known, or if there is no limit.
func every(routes []*Route, limit float64) time.Duration {
	var seconds, n float64
	for _, r := range routes {
		if mean := r.mean(); mean > 0 {
			seconds += mean * float64(r.inFlight)
			n += float64(r.inFlight)
		}
	}
	if n == 0 {
		return 0
	}
	return time.Duration(seconds / n / math.Max(limit, 1) * float64(time.Second))
}

// hopeless reports whether a ticket that would be let in to wait cannot be answered in time.
func (d *domain) hopeless(now time.Duration, t *Ticket) bool {
	return t.bound() && !d.queue.TurnsAway(t.key, d.room()) && now+soonest(d.queue.Ahead(t.key), d.every)+t.needs() > t.Deadline
}

// tooLate reports whether a ticket cannot be answered in time even if it runs now.
func (t *Ticket) tooLate(now time.Duration) bool { return t.bound() && now+t.needs() >= t.Deadline }

// bound reports whether there is a deadline, and evidence of what an answer takes.
func (t *Ticket) bound() bool { return t.Deadline > 0 && t.Route.quick > 0 }

// Wait is how long a waiting ticket may wait from now on: as long as its route lets it, and as it can still be answered in time.
func (c *Controller) Wait(now time.Duration, t *Ticket) time.Duration {
	wait := t.Route.wait()
	if t.bound() {
		wait = min(wait, t.Deadline-t.needs()-c.at(now))
	}
	return max(wait, 0)
}
