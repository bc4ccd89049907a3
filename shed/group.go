package shed

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"triage/shed/limit"
	"triage/shed/window"
)

const (
	closeAfter    = 3 * time.Second
	fateLasts     = 10 * time.Minute
	usefulTicks   = 3
	strangerAfter = time.Second
	strangerTicks = 5
	kinship       = 0.4 // of the group's excess, or of its factor
	mergeLike     = 0.5
	mergeTicks    = 5
	alienShare    = 0.3
	alienWindow   = 5 // ticks
	alienSamples  = 16
	alienTicks    = 8
	aloofFor      = time.Minute
	limitReported = 0.2 // a move of the limit smaller than this share is not worth an entry
)

// group is a set of routes that suffer together: one limit, one law.
type group struct {
	domain
	name     string
	since    time.Duration
	law      limit.State
	headroom float64 // what the founders could have grown to without a group
	y, se    float64
	excess   float64       // seconds above the scaled baseline, of a mean sample
	alike    int           // ticks in a row that another group was in trouble of the same size
	troubled time.Duration // since when the latency is above what the limit aims at, or was last
	trial    *Route        // a member that is out for a moment
	unbound  time.Duration // since when the limit keeps nobody out; negative: it does
	why      limit.Reason
	reported float64
}

// fate remembers which routes have suffered together.
type fate struct {
	routes []*Route
	last   time.Duration
}

// regroup opens groups, lets routes join them and leave them, and makes one of two that turn out to be one.
func (c *Controller) regroup(now time.Duration) {
	c.judgeTrials(now)
	var newcomers []*Route
	for _, r := range c.routes {
		if !r.suffering || r.domain != &r.solo || r.trialOf != nil {
			continue
		}
		if g := c.kin(now, r); g != nil {
			c.join(now, r, g, "suffers")
		} else {
			newcomers = append(newcomers, r)
		}
	}
	if len(newcomers) > 0 {
		c.open(now, c.withFate(now, newcomers))
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
	if now < r.aloofTill || r.trialOf != nil {
		return nil
	}
	for _, g := range c.groups {
		z := g.y / g.law.Scale
		if z >= limit.Target && (r.excess >= kinship*g.excess || r.x-1 >= kinship*(z-1)) {
			return g
		}
	}
	return nil
}

// joinSymptomatic adds routes that do not suffer yet but show it, or have surged, while a group is in trouble.
func (c *Controller) joinSymptomatic(now time.Duration) {
	for _, r := range c.routes {
		if r.domain != &r.solo {
			continue
		}
		if r.stranger() && len(c.groups) > 0 {
			c.join(now, r, c.groups[0], "has much in flight and no baseline yet")
			continue
		}
		if r.symptoms < symptomTicks && !r.surged() {
			continue
		}
		if g := c.kin(now, r); g != nil {
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
			if math.Min(a, b) < symptomsAt-1 || math.Min(a, b) < mergeLike*math.Max(a, b) {
				g.alike = 0
				continue
			}
			if g.alike++; g.alike < mergeTicks {
				continue
			}
			for _, r := range slices.Clone(h.routes) {
				c.leave(now, r)
				c.adopt(r, g)
			}
			g.law = limit.Open(now, float64(g.inFlight), 0, g.law.Scale)
			g.limit, g.alike = g.law.Limit, 0
			c.entries.add(now, "group", g.name, 0, g.limit, fmt.Sprintf("%s is the same bottleneck: both are in trouble of the same size", h.name))
			return
		}
	}
}

// expel lets a member go that evidently does not share the bottleneck: while the others are in trouble, it is not, in the same
// ticks, neither by time nor by factor.
func (c *Controller) expel(now time.Duration, g *group) {
	for _, r := range slices.Clone(g.routes) {
		if len(g.routes) < 2 {
			return
		}
		sum, base, n, _ := g.sums(alienWindow, r)
		own, _ := r.recent.Last(alienWindow)
		if n < alienSamples || own.Samples < alienSamples || r.base.Seconds() == 0 {
			continue
		}
		b := r.base.Seconds()
		mean, se := own.Mean().Seconds(), 3*r.base.CV()/math.Sqrt(float64(own.Samples))
		excess, z := (sum-base)/n, sum/base
		switch {
		case z < suffersAt || excess < 2*minExcess:
			continue
		case mean-b+se*b > alienShare*excess || (mean+slack)/(b+slack)-1+se > alienShare*(z-1):
			r.alien = 0
			continue
		}
		if r.alien++; r.alien < alienTicks {
			continue
		}
		c.entries.add(now, "group", g.name, float64(len(g.routes)), float64(len(g.routes)-1), fmt.Sprintf("%s leaves: it is well while the others are %.2f times their baseline", r.Name(), z))
		g.law = g.law.Shrink(float64(r.inFlight) / math.Max(1, float64(g.inFlight)))
		g.limit = g.law.Limit
		c.leave(now, r)
		r.slowness, r.alien, r.aloofTill, r.fate = 1, 0, now+aloofFor, nil
	}
}

// withFate adds the routes that have lately suffered together with these.
func (c *Controller) withFate(now time.Duration, routes []*Route) []*Route {
	all := slices.Clone(routes)
	for _, r := range routes {
		if r.fate == nil || now-r.fate.last > fateLasts {
			continue
		}
		for _, other := range r.fate.routes {
			if !other.removed && other.domain == &other.solo && other.trialOf == nil && now >= other.aloofTill && !slices.Contains(all, other) {
				all = append(all, other)
			}
		}
	}
	return all
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

func (c *Controller) open(now time.Duration, members []*Route) {
	c.nextID++
	g := &group{name: fmt.Sprintf("g%d", c.nextID), since: now, troubled: now, unbound: -1}
	g.domain.group = g
	c.groups = append(c.groups, g)
	var headroom, weight, slow float64
	for _, r := range members {
		headroom += c.headroomOf(now, r)
		slow += r.slowness * math.Max(r.peak, 1)
		weight += math.Max(r.peak, 1)
		r.founder = true
		c.adopt(r, g)
	}
	g.measure(now)
	g.headroom = headroom
	g.law = limit.Open(now, float64(g.inFlight), headroom, slow/math.Max(weight, 1))
	g.limit, g.why, g.reported = g.law.Limit, limit.Opened, g.law.Limit
	c.entries.add(now, "group", g.name, 0, g.limit, fmt.Sprintf("%s suffer together: latency %.2f times the baseline", strings.Join(names(g.routes), ", "), g.y))
}

// join moves a route into a group. The limit grows by what the route brings.
func (c *Controller) join(now time.Duration, r *Route, g *group, why string) {
	if r.domain != &r.solo {
		return
	}
	before := float64(g.inFlight)
	headroom := c.headroomOf(now, r)
	g.headroom += headroom
	g.law = g.law.Grow(headroom, math.Max(r.peak, float64(r.inFlight)/math.Max(r.x, 1)))
	c.adopt(r, g)
	if now-g.since < g.founding() {
		// What was concluded about some of the founders says little about all of them: begin again.
		g.law = limit.Open(now, float64(g.inFlight), g.headroom, g.law.Scale)
	}
	r.founder, r.trialAt = now-g.troubled < g.founding(), now+max(trialFirst, r.trialWait)
	g.limit = g.law.Limit
	c.entries.add(now, "group", g.name, before, float64(g.inFlight), fmt.Sprintf("%s joins: %s, latency %.2f times the baseline", r.Name(), why, r.x))
}

// headroomOf is how far the route could grow by itself.
func (c *Controller) headroomOf(now time.Duration, r *Route) float64 {
	return math.Max(float64(r.inFlight), min(r.ceiling(now, c.classes), float64(max(r.inFlight, ceilingFloor))+headroomMost*r.peak))
}

// founding is how soon a route has to join after the trouble began to have suffered from the same flood: half a second, or three of the
// answers it waits for.
func (g *group) founding() time.Duration {
	_, base, n, _ := g.sums(window.Span, nil)
	if n == 0 {
		return foundingLeast
	}
	return max(foundingLeast, time.Duration(3*g.y*base/n*float64(time.Second)))
}

// adopt makes the group the route's domain, its tickets and waiters included.
func (c *Controller) adopt(r *Route, g *group) {
	g.routes = append(g.routes, r)
	c.move(r, &r.solo, &g.domain)
}

func (c *Controller) move(r *Route, from, to *domain) {
	from.inFlight -= r.inFlight
	to.inFlight += r.inFlight
	r.domain = to
	for _, t := range from.queue.Drain() {
		if t.Route != r {
			from.queue.Push(t.key(), t, math.MaxInt)
			continue
		}
		t.domain = to
		to.queue.Push(t.key(), t, math.MaxInt)
	}
}

// leave takes a route out of its group.
func (c *Controller) leave(now time.Duration, r *Route) {
	g := r.domain.group
	g.routes = slices.DeleteFunc(g.routes, func(o *Route) bool { return o == r })
	c.move(r, &g.domain, &r.solo)
	r.solo.limit = r.ceiling(now, c.classes)
	r.slowness = math.Max(1, g.law.Scale)
	r.recent.Clear()
	if len(g.routes) == 0 {
		c.groups = slices.DeleteFunc(c.groups, func(o *group) bool { return o == g })
	}
	c.handOut(now, &r.solo)
}

// measure works out the group's normalised latency over its newest ticks with enough samples. The ticks are the same ones for
// all members: a member that is kept out has no new samples, and its old ones tell of another time.
func (g *group) measure(now time.Duration) {
	for ticks := 1; ticks <= window.Span; ticks++ {
		sum, base, n, cv := g.sums(ticks, nil)
		if n == 0 || n < samplesEnough && ticks < window.Span {
			continue
		}
		g.y, g.se, g.excess = sum/base, cv/n/math.Sqrt(n), (sum-base*g.law.Scale)/n
		break
	}
	if y := g.ages(now); y > g.y {
		g.y = y
	}
}

// sums adds up the members' newest ticks, but for one member: times to first byte, the baselines that belong to them, samples,
// and the spread.
func (g *group) sums(ticks int, but *Route) (sum, base, n, cv float64) {
	for _, r := range g.routes {
		if r == but || r.base.Seconds() == 0 {
			continue
		}
		recent, _ := r.recent.Last(ticks)
		samples := float64(recent.Samples)
		sum += recent.Sum.Seconds() + samples*slack
		base += samples * (r.base.Seconds() + slack)
		n += samples
		cv += samples * r.base.CV()
	}
	return sum, base, n, cv
}

// ages is the normalised mean age of what is in flight, if that is enough to say anything: a backend that hangs completes
// nothing.
func (g *group) ages(now time.Duration) float64 {
	var age, base float64
	var n int
	for _, r := range g.routes {
		if r.stalled || r.base.Seconds() == 0 {
			continue
		}
		age += (now*time.Duration(r.inFlight) - r.starts).Seconds()
		base += float64(r.inFlight) * (r.base.Seconds() + slack)
		n += r.inFlight
	}
	if n < agesEnough {
		return 0
	}
	return age / base
}

// steer moves the group's limit by one tick, and closes the group when it keeps nobody out any more.
func (c *Controller) steer(now time.Duration, g *group) {
	if len(g.routes) == 0 {
		return
	}
	g.measure(now)
	if g.y/g.law.Scale < limit.Target {
		g.troubled = now
	}
	c.expel(now, g)
	g.guessStrangers(now)
	in := g.sample(now)
	before := g.law
	var why limit.Reason
	g.law, why = g.law.Next(in)
	g.limit = g.law.Limit
	c.report(now, g, before, why)
	c.tryRelease(now, g)
	if g.law.Binding(in) || g.law.Phase != limit.Steady || g.y/g.law.Scale > suffersAt {
		g.unbound = -1
		return
	}
	if g.unbound < 0 {
		g.unbound = now
	}
	if now-g.unbound >= closeAfter {
		c.close(now, g)
	}
}

func (g *group) sample(now time.Duration) limit.Sample {
	in := limit.Sample{Now: now, Y: g.y, SE: g.se, InFlight: g.inFlight, Waiting: g.queue.Len()}
	_, useful, _, _ := g.sums(usefulTicks, nil)
	in.Useful = useful / (usefulTicks * tickEvery.Seconds())
	for _, r := range g.routes {
		last, _ := r.recent.Last(1)
		if r.base.Seconds() > 0 {
			samples := float64(last.Samples)
			in.Samples += last.Samples
			in.Sum += last.Sum.Seconds() + samples*slack
			in.Base += samples * (r.base.Seconds() + slack)
		}
		in.Lost += last.Lost
		in.Peak += last.Peak
		in.Peaks += r.peak
		if r.class == 0 {
			in.Critical += r.demand()
		}
	}
	return in
}

// guessStrangers gives members of which nothing is known what they show under a limit that has held for a while: about as much as the
// others take, by the same factor. Without it a group of strangers would have no samples to move its limit by.
func (g *group) guessStrangers(now time.Duration) {
	if now-g.since < strangerAfter {
		return
	}
	for _, r := range g.routes {
		if sum, _ := r.recent.Last(strangerTicks); r.base.Seconds() == 0 && sum.Samples >= samplesEnough {
			r.base.Guess(sum.Mean().Seconds() / math.Max(1, g.y))
		}
	}
}

// report writes an entry for every verdict, and for moves of the limit that are worth one.
func (c *Controller) report(now time.Duration, g *group, before limit.State, why limit.Reason) {
	if why == limit.None {
		return
	}
	g.why = why
	if before.Scale != g.law.Scale {
		c.entries.add(now, "slowness", g.name, before.Scale, g.law.Scale, fmt.Sprintf("%s (latency %.2f times the baseline)", why, g.y))
	}
	small := why == limit.TooSlow || why == limit.RoomLeft
	if small && math.Abs(g.law.Limit-g.reported) < limitReported*g.reported || before.Limit == g.law.Limit {
		return
	}
	c.entries.add(now, "limit", g.name, g.reported, g.law.Limit, fmt.Sprintf("%s (latency %.2f times the baseline, accepted %.2f)", why, g.y, g.law.Scale))
	g.reported = g.law.Limit
}

func (c *Controller) close(now time.Duration, g *group) {
	c.entries.add(now, "group", g.name, g.limit, 0, fmt.Sprintf("closed: the limit kept nobody out for %v", closeAfter))
	for _, r := range slices.Clone(g.routes) {
		r.peak = math.Max(r.peak, float64(r.inFlight))
		c.leave(now, r)
	}
}

func names(routes []*Route) []string {
	var out []string
	for _, r := range routes {
		out = append(out, r.Name())
	}
	return out
}
