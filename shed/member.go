package shed

import (
	"fmt"
	"math"
	"slices"
	"time"

	"triage/shed/limit"
	"triage/shed/window"
)

// fate remembers which routes have suffered together.
type fate struct {
	routes []*Route
	last   time.Duration
}

// regroup opens groups, lets routes join them and leave them, and makes one of two that turn out to be one.
func (c *Controller) regroup(now time.Duration) {
	c.judgeTrials(now)
	var newcomers []*Route
	for _, r := range c.awake {
		if !r.suffering || r.domain != &r.solo || r.trialOf != nil || r.culpritOf != nil {
			continue
		}
		if g := c.kin(now, r); g != nil {
			c.join(now, r, g, "suffers")
			c.bring(now, r, g)
		} else {
			newcomers = append(newcomers, r)
		}
	}
	for _, together := range apart(newcomers) {
		// Companions may have brought some of them into a group meanwhile.
		if free := slices.DeleteFunc(together, func(r *Route) bool { return r.domain != &r.solo }); len(free) > 0 {
			c.open(now, c.withFate(now, free))
		}
	}
	for _, g := range c.groups {
		c.share(now, g)
	}
	c.joinSymptomatic(now)
	c.merge(now)
}

// kin finds the group in trouble whose trouble is of the route's size. Routes that wait in the same queue wait equally long (the same
// excess); routes on a resource that became slower become slower by the same factor (the same x).
func (c *Controller) kin(now time.Duration, r *Route) *group {
	if now < r.aloofTill && !(r.released && r.suffering) || r.trialOf != nil || r.culpritOf != nil {
		return nil
	}
	for _, g := range c.groups {
		if g.openTo(r) && g.inTroubleLike(r) {
			return g
		}
	}
	return nil
}

// inTroubleLike reports that the group is in trouble, and that the route's is of the same kind.
func (g *group) inTroubleLike(r *Route) bool {
	slower := r.x*r.slowness - 1
	longer := slower * r.base.Seconds()
	return g.y/g.law.Scale >= limit.Target && (like(longer, g.excess) || g.y-1 >= kinSlower && like(slower, g.y-1))
}

// like reports that two measures of trouble are of the same size.
func like(a, b float64) bool { return a >= kinship*b && b >= kinship*a }

// joinSymptomatic adds routes that do not suffer yet but show it, or have surged, while a group is in trouble.
func (c *Controller) joinSymptomatic(now time.Duration) {
	for _, r := range c.awake {
		if r.domain != &r.solo || r.trialOf != nil || r.culpritOf != nil {
			continue
		}
		if i := slices.IndexFunc(c.groups, func(g *group) bool { return g.openTo(r) }); i >= 0 && r.stranger() {
			c.join(now, r, c.groups[i], "has much in flight and no baseline yet")
			continue
		}
		if r.symptoms < symptomTicks && !r.surged() {
			continue
		}
		if g := c.kin(now, r); g != nil && (now-g.since < g.founding() || r.surged() || r.beyond(samplesWide, symptomsAt, sureInTime)) {
			c.join(now, r, g, "shows symptoms")
		}
	}
}

// merge makes one of two groups that have been in trouble of the same size for a while: limits of their own on one bottleneck
// would fight each other.
func (c *Controller) merge(now time.Duration) {
	for i, g := range c.groups {
		for _, h := range c.groups[i+1:] {
			a, b := g.y/g.law.Scale-1, h.y/h.law.Scale-1
			if g.private() || h.private() || math.Min(a, b) < symptomsAt-1 || math.Min(a, b) < mergeLike*math.Max(a, b) {
				if g.like == h {
					g.like = nil
				}
				continue
			}
			if g.like == nil || g.like.closed {
				g.like, g.alike = h, 0
			}
			if g.like != h {
				continue
			}
			if g.alike++; g.alike < mergeTicks {
				continue
			}
			for _, r := range slices.Clone(h.routes) {
				c.leave(now, r)
				c.adopt(r, g)
				r.founder, r.trialAt = now-g.since < g.founding(), now+max(trialFirst, r.trialWait)
			}
			g.law = limit.Open(now, float64(g.inFlight), 0, g.law.Scale)
			g.limit, g.like, g.reported = g.law.Limit, nil, g.law.Limit
			c.entries.add(now, "group", g.name, 0, g.limit, fmt.Sprintf("%s is the same bottleneck: both are in trouble of the same size", h.name))
			return
		}
	}
}

// expel lets a member go that evidently does not share the bottleneck: while the others are in trouble, it is not, in the same
// ticks, neither by time nor by factor.
func (c *Controller) expel(now time.Duration, g *group) {
	all := g.sums(alienWindow)
	for _, r := range slices.Clone(g.routes) {
		if len(g.routes) < 2 {
			return
		}
		others := all.but(r, alienWindow)
		own, _ := r.recent.Last(alienWindow)
		if others.n < alienSamples || own.Samples < alienSamples || r.base.Seconds() == 0 {
			continue
		}
		b := r.base.Seconds()
		mean, se := own.Mean().Seconds(), 3*r.base.CV()/math.Sqrt(float64(own.Samples))
		excess, z := (others.sum-others.base)/others.n, others.sum/others.base
		switch {
		case z < suffersAt || excess < 2*r.leastExcess():
			continue
		case mean-b-se*b > alienShare*excess || (mean+slack)/r.unit()-1-se > alienShare*(z-1):
			r.alien = 0 // evidently it does share it
			continue
		case mean-b+se*b > alienShare*excess || (mean+slack)/r.unit()-1+se > alienShare*(z-1):
			continue
		}
		if r.alien++; r.alien < alienTicks {
			continue
		}
		c.entries.add(now, "group", g.name, float64(len(g.routes)), float64(len(g.routes)-1), fmt.Sprintf("%s leaves: it is well while the others are %.2f times their baseline", r.Name(), z))
		c.leave(now, r)
		c.beginAgain(now, g)
		c.tellLimit(now, g, "begun anew without "+r.Name())
		r.slowness, r.alien, r.aloofTill, r.released, r.fate = 1, 0, now+aloofFor, false, nil
		all = g.sums(alienWindow)
	}
}

// beginAgain opens the group's law anew: what was concluded about other members says little about these.
func (c *Controller) beginAgain(now time.Duration, g *group) {
	g.headroom = 0
	for _, r := range g.routes {
		g.headroom += c.headroomOf(now, r)
	}
	g.law = limit.Open(now, float64(g.inFlight), g.headroom, g.law.Scale)
	g.limit = g.law.Limit
}

// mayJoin reports whether a route may be put into a group for another one's sake.
func (r *Route) mayJoin(now time.Duration) bool {
	return !r.removed && !r.settings.Alone && r.domain == &r.solo && r.trialOf == nil && now >= r.aloofTill
}

// bring lets the routes that are said to share something with the route join its group.
func (c *Controller) bring(now time.Duration, r *Route, g *group) {
	for _, o := range c.withCompanions([]*Route{r}, func(o *Route) bool { return o.mayJoin(now) })[1:] {
		c.join(now, o, g, "is said to share something with "+r.Name())
	}
}

// withFate adds the routes that have lately suffered together with these, or are said to share something with them.
func (c *Controller) withFate(now time.Duration, routes []*Route) []*Route {
	all, in := slices.Clone(routes), setOf(routes)
	done := map[*fate]bool{}
	for _, r := range routes {
		if r.fate == nil || r.settings.Alone || done[r.fate] || now-r.fate.last > fateLasts {
			continue
		}
		done[r.fate] = true
		for _, other := range r.fate.routes {
			if !in[other] && other.mayJoin(now) {
				if other.asleep {
					c.wake(other)
				}
				all, in[other] = append(all, other), true
			}
		}
	}
	return c.withCompanions(all, func(o *Route) bool { return o.mayJoin(now) })
}

// share records which routes suffer in the same group at the same time.
func (c *Controller) share(now time.Duration, g *group) {
	var routes []*Route
	for _, r := range g.routes {
		if r.suffering {
			routes = append(routes, r)
		}
	}
	if len(routes) < 2 {
		return
	}
	f := &fate{routes: routes, last: now}
	for _, r := range routes {
		r.fate = f
	}
}

// join moves a route into a group. The limit grows by what the route brings.
func (c *Controller) join(now time.Duration, r *Route, g *group, why string) {
	if r.domain != &r.solo {
		return
	}
	before, stranger := shown(g.limit), r.scaled() == 0
	headroom := c.headroomOf(now, r)
	g.headroom += headroom
	g.law = g.law.Grow(headroom, math.Max(r.peak, float64(r.inFlight)/math.Max(r.x, 1)))
	c.adopt(r, g)
	if now-g.since < g.founding() {
		// What was concluded about some of the founders says little about all of them: begin again.
		g.law = limit.Open(now, float64(g.inFlight), g.headroom, g.law.Scale)
	}
	// A stranger let out could not show that it is well: it has nothing to compare with.
	r.newcomer = stranger
	r.founder = stranger || now-g.since < g.founding() || r.suffering && now-g.troubled < g.founding()
	r.trialAt = now + max(trialFirst, r.trialWait)
	g.limit = g.law.Limit
	g.reported = g.limit
	c.entries.add(now, "group", g.name, before, g.limit, fmt.Sprintf("%s joins: %s, latency %.2f times the baseline", r.Name(), why, r.x))
}

// headroomOf is how far the route could grow by itself.
func (c *Controller) headroomOf(now time.Duration, r *Route) float64 {
	alone := math.Max(r.ceiling(now), min(opensAt*r.peak, opensWith))
	return math.Max(float64(r.inFlight), min(alone, float64(max(r.inFlight, ceilingFloor))+headroomMost*r.peak))
}

// founding is how soon a route has to join after the trouble began to have suffered from the same flood: half a second, or three of the
// answers it waits for.
func (g *group) founding() time.Duration {
	all := g.sums(window.Span)
	if all.n == 0 {
		return foundingLeast
	}
	return max(foundingLeast, time.Duration(3*g.y*all.base/all.n*float64(time.Second)))
}

// adopt makes the group the route's domain, its tickets and waiters included.
func (c *Controller) adopt(r *Route, g *group) {
	g.routes = append(g.routes, r)
	r.longest = math.Max(0, r.excess)
	c.move(r, &r.solo, &g.domain)
}

func (c *Controller) move(r *Route, from, to *domain) {
	c.shut(r)
	to.shut(c.lost())
	if to.group != nil {
		to.sign.since.Store(int64(to.group.since))
	}
	r.notice.grouped.Store(to.group != nil)
	r.notice.sign.Store(&to.sign)
	from.inFlight -= r.inFlight
	to.inFlight += r.inFlight
	r.domain = to
	for _, t := range from.queue.Drain() {
		if t.Route != r {
			from.queue.Push(t.key, t, math.MaxInt)
			continue
		}
		t.domain = to
		to.queue.Push(t.key, t, math.MaxInt)
	}
}

// takeOut takes a route out of its group for another reason than evidence, and says so.
func (c *Controller) takeOut(now time.Duration, r *Route, why string) {
	g := r.domain.group
	c.entries.add(now, "group", g.name, float64(len(g.routes)), float64(len(g.routes)-1), r.Name()+" is taken out: "+why)
	if c.leave(now, r); g.closed {
		c.entries.add(now, "group", g.name, shown(g.limit), 0, "closed: nobody is in it any more")
	}
}

// leave takes a route out of its group.
func (c *Controller) leave(now time.Duration, r *Route) {
	g := r.domain.group
	g.routes = slices.DeleteFunc(g.routes, func(o *Route) bool { return o == r })
	c.move(r, &g.domain, &r.solo)
	r.solo.limit = r.ceiling(now)
	r.slowness = math.Max(1, g.law.Scale)
	r.recent.Clear()
	if len(g.routes) == 0 {
		g.closed = true
		c.groups = slices.DeleteFunc(c.groups, func(o *group) bool { return o == g })
	}
	c.handOut(now, &r.solo)
}
