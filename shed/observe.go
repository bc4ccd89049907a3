package shed

import (
	"fmt"
	"math"
	"slices"
	"time"

	"triage/shed/limit"
)

// Observing, the controller decides and reports, and refuses nothing: every request runs at once, and its ticket says in Would why it
// would have been refused.
//
// A law that acts, looks and undoes cannot be watched without letting it act: its cuts would cut nothing, so it would find every time
// that cuts do not help. So, observing, a group is not led by package limit. Its limit is what the backend has evidently got done,
//
//	L = 1.12 · max over time of (served a second · baseline)       slots, by Little's law; half-life 2 min
//
// or, if more is demanded than it has ever taken well, at least 0.8 of that: a crowd that nobody holds back brings a backend to a
// halt, and what it serves then is not what a protected one would. What is offered beyond L would be refused, the least important first.
// A group in which nobody would have been refused for three seconds is slow and not overloaded; its latency is accepted, as the law
// would accept it.
//
// Who would be refused is worked out in a fluid model of the domain's waiting room, for there are no slots to count: requests that run
// although they would not have run are in the backend too. The backlog of each class is work in slot-seconds. It grows by a
// baseline with every request that would be let in, and drains at L a second, most important class first. A request that
// finds the work A of its own and better classes before it would wait A/L − baseline, if that is above 0. It would be refused
// if more than the room holds would wait, if it would wait longer than the route lets it, or if its deadline would not leave it enough.
// Which requests of a class those are in truth, by stage and cohort, the model does not say, only how many.

// Watched is why an observed group's limit stands where it stands.
const Watched limit.Reason = "observed: what is offered beyond what the backend gets done would be refused"

const (
	watchLeast    = 3  // ticks in a group before anything is said
	watchTicks    = 10 // over which what is served is counted
	watchHalfLife = 2 * time.Minute
	provenWell    = 0.8 // of the concurrency that was taken well before
)

// shadow is the fluid model of a domain's waiting room. The zero value is empty.
type shadow struct {
	backlog []float64 // slot-seconds, by class
	drained time.Duration
}

// drain lets the backlog run off until now.
func (s *shadow) drain(now time.Duration, slots float64) {
	work := slots * (now - s.drained).Seconds()
	s.drained = now
	for class := range s.backlog {
		done := math.Min(s.backlog[class], work)
		s.backlog[class] -= done
		work -= done
	}
}

// wait is how long a request of a class would wait for a slot, in seconds.
func (s *shadow) wait(class uint8, slots, work float64) float64 {
	ahead := 0.0
	for k := 0; k <= int(class) && k < len(s.backlog); k++ {
		ahead += s.backlog[k]
	}
	return math.Max(0, ahead/slots-work)
}

// enter adds a request's work.
func (s *shadow) enter(class uint8, work float64) {
	for len(s.backlog) <= int(class) {
		s.backlog = append(s.backlog, 0)
	}
	s.backlog[class] += work
}

// would says why a ticket that runs would have been refused, Admitted if it would not.
func (c *Controller) would(now time.Duration, t *Ticket) Reason {
	r, d := t.Route, t.Route.domain
	if c.degraded(t) {
		return Errors
	}
	work := r.base.Seconds()
	if d.group != nil {
		work = r.unit()
	}
	if !r.base.Known() || math.IsInf(d.limit, 1) {
		return Admitted
	}
	slots := math.Max(1, d.limit)
	d.shadow.drain(now, slots)
	wait := d.shadow.wait(t.key.Class, slots, work)
	switch {
	case wait == 0:
	case wait*slots/work > float64(d.room()):
		return d.reason()
	case t.bound() && now+time.Duration(wait*float64(time.Second))+t.needs() > t.Deadline:
		return Infeasible
	case wait > r.wait().Seconds():
		return QueueTimeout
	}
	d.shadow.enter(t.key.Class, work)
	return Admitted
}

// evident works out the observed group's limit, and says whether somebody would have been refused in the last tick.
func (g *group) evident(now time.Duration) (refusing bool) {
	since := min(int((now-g.since)/tickEvery), watchTicks)
	var served, demand, proven float64
	for _, r := range g.routes {
		demand, proven = demand+r.demand(), proven+r.peak
		sum, ticks := r.recent.Last(since)
		served += float64(sum.Completed-sum.Errors) * r.unit() / (float64(max(ticks, 1)) * tickEvery.Seconds())
		refusing = refusing || r.refusing != Admitted && now-r.refusedAt < tickEvery
	}
	if since < watchLeast {
		g.limit = math.Inf(1)
		return refusing
	}
	g.most = math.Max(g.most*math.Exp2(-tickEvery.Seconds()/watchHalfLife.Seconds()), limit.Target*served)
	g.limit = math.Max(1, g.most)
	if demand > proven {
		g.limit = math.Max(g.limit, provenWell*proven)
	}
	g.law.Limit, g.why = g.limit, Watched
	return refusing
}

// watch moves an observed group's limit by one tick, and closes the group when nobody would be refused.
func (c *Controller) watch(now time.Duration, g *group) {
	if len(g.routes) == 0 {
		return
	}
	g.measure(now)
	c.expel(now, g)
	g.guessStrangers(now)
	refusing := g.evident(now)
	if since := g.reported; !math.IsInf(g.limit, 1) && math.Abs(g.limit-since) >= limitReported*since {
		c.tellLimit(now, g, string(Watched))
	}
	if refusing || g.unbound < 0 {
		g.unbound = now
	}
	if now-g.unbound < closeAfter {
		return
	}
	if z := g.y / g.law.Scale; z > suffersAt {
		c.entries.add(now, "slowness", g.name, g.law.Scale, g.y, fmt.Sprintf("%s (latency %.2f times the baseline)", limit.KeepsUp, g.y))
		g.law.Scale = g.y
	}
	c.close(now, g)
}

// setObserve turns to observing, or back. What was concluded in one mode says little in the other: groups and the level begin anew, and
// nobody waits on.
func (c *Controller) setObserve(now time.Duration, observe bool) {
	if c.observing == observe {
		return
	}
	c.observing = observe
	c.dropLevel(now, "the mode was changed")
	for _, g := range slices.Clone(c.groups) {
		c.entries.add(now, "group", g.name, shown(g.limit), 0, "closed: the mode was changed")
		for _, r := range slices.Clone(g.routes) {
			c.leave(now, r)
		}
	}
	for _, r := range c.routes {
		c.shut(r)
		r.door.refusing.Store(uint32(Admitted))
		r.refusing, r.trialOf, r.solo.shadow = Admitted, nil, shadow{drained: now}
		r.culpritOf, r.cap = nil, math.Inf(1)
		if observe {
			r.solo.limit = math.Inf(1) // until the next tick
			c.handOut(now, &r.solo)
		}
	}
}
