package shed

import (
	"fmt"
	"math"
	"time"

	"triage/shed/limit"
	"triage/shed/relief"
)

// Constants of an inquiry.
const (
	surgedBy      = 1.5 // times the usual arrivals
	usualTicks    = 10  // a second
	usualHalfLife = 30 * time.Second
	inquirySettle = 300 * time.Millisecond
	inquiryFor    = 800 * time.Millisecond
	inquiryMost   = 2 * time.Second
	inquiryEnough = 60               // samples
	inquiryAgain  = 10 * time.Second // after one that found nothing, then twice as long each time
	inquiryLong   = 5 * time.Minute
	pleaTicks     = 3
	inquiryAfter  = 2 * time.Second // of the group's life
	missesBelow   = 0.8             // of the usual
	keepsBack     = 0.25            // of what the suspect has in flight
	capFalls      = 0.95            // a tick
	capRises      = 1.02            // a tick
	suspectShare  = 0.6             // of what the group has in flight: with less a route can hardly be why
)

// inquiry is an experiment about a route outside of a group: do the members get more done while it is kept back? Who burdens a resource need
// not wait for it itself: an export that spends most of its time elsewhere hardly notices. Suffering together finds the victims,
// not always the culprit.
type inquiry struct {
	suspect *Route
	began   time.Duration
	settle  time.Duration // until what the suspect has in flight is mostly gone
	before  relief.Reading
	ticks   int // after settling
}

// attribute looks for those outside of the group who are in its way, and holds those that are.
func (c *Controller) attribute(now time.Duration, g *group) {
	plea := c.plea(now, g)
	c.holdCulprits(g, plea)
	switch {
	case g.inquiry != nil:
		c.lookInto(now, g)
	case g.trial == nil && g.law.Phase == limit.Steady && now-g.since >= inquiryAfter && g.misses():
		c.inquire(now, g, plea)
	}
}

// holdCulprits moves the caps of routes that have been found to be in the group's way: down while somebody more important is refused
// there, up while nobody is.
func (c *Controller) holdCulprits(g *group, plea int) {
	for _, r := range c.awake {
		if r.culpritOf != g || g.inquiry != nil && g.inquiry.suspect == r {
			continue
		}
		if plea < int(r.class) {
			r.cap = math.Max(1, r.cap*capFalls)
		} else {
			r.cap *= capRises
		}
	}
}

// raiseCap lets a culprit go when the group it was in the way of is gone, step by step.
func (c *Controller) raiseCap(now time.Duration, r *Route) {
	if r.culpritOf == nil || !r.culpritOf.closed {
		return
	}
	if r.cap *= capRises; r.cap > 2*float64(r.inFlight)+ceilingFloor {
		c.entries.add(now, "relief", r.Name(), r.cap, 0, "let go: "+r.culpritOf.name+", which it was in the way of, is no more")
		r.cap, r.culpritOf = math.Inf(1), nil
	}
}

// misses reports that the members get evidently less done than they usually ask for: somebody or something takes the rest. A crowd alone
// does not: then as much is done as ever.
func (g *group) misses() bool {
	var usual float64
	for _, r := range g.routes {
		usual += r.usual * r.base.Seconds()
	}
	done := g.work(pleaTicks + 2)
	return done.Work/math.Max(done.Took.Seconds(), 1e-3) < missesBelow*usual
}

// plea is the most important class of which the group refuses requests.
func (c *Controller) plea(now time.Duration, g *group) int {
	plea := c.classes
	for _, r := range g.routes {
		if r.refusing != Admitted && now-r.refusedAt < pleaTicks*tickEvery {
			plea = min(plea, int(r.class))
		}
	}
	return plea
}

// suspicious reports that the route could be in the way of somebody of that class: it is less important, has much in flight, and is asked for
// evidently more than usual.
func (c *Controller) suspicious(now time.Duration, r *Route, g *group, plea int) bool {
	free := g.openTo(r) && r.domain == &r.solo && r.trialOf == nil && r.culpritOf == nil && now >= r.inquiryAt
	return int(r.class) > plea && free && float64(r.inFlight) >= suspectShare*float64(g.inFlight) && r.wantsMore(g.surge())
}

// surge is how many times what they usually ask for the members ask for now: in a crowd everybody asks for more, and whoever grew like the
// others is no suspect.
func (g *group) surge() float64 {
	var asked, usual float64
	for _, r := range g.routes {
		last, ticks := r.recent.Last(usualTicks)
		if ticks == usualTicks {
			asked += float64(last.Arrivals)
			usual += r.usual
		}
	}
	return math.Max(1, asked/math.Max(usual, 1))
}

// inquire begins an inquiry about the suspect that has the most in flight; what has turned out to relieve before counts for more.
func (c *Controller) inquire(now time.Duration, g *group, plea int) {
	var suspect *Route
	most := 0.0
	for _, r := range c.awake {
		if !c.suspicious(now, r, g, plea) {
			continue
		}
		gain, _ := r.relief.Mean(now)
		if score := float64(r.inFlight) * (1 + math.Max(0, gain)); score > most {
			suspect, most = r, score
		}
	}
	before := g.work(pleaTicks + 2)
	if suspect == nil || before.Samples == 0 {
		return
	}
	settle := inquirySettle + min(time.Duration(suspect.scaled()*float64(time.Second)), inquiryMost)
	g.inquiry = &inquiry{suspect: suspect, began: now, settle: settle, before: before}
	suspect.culpritOf, suspect.cap = g, math.Max(1, keepsBack*float64(suspect.inFlight))
	c.entries.add(now, "relief", suspect.Name(), float64(suspect.inFlight), suspect.cap,
		fmt.Sprintf("is kept back for a moment, to see whether that relieves %s", g.name))
}

// lookInto ends the inquiry when the members have been watched for long enough: a suspect that relieves them is held, another let go.
func (c *Controller) lookInto(now time.Duration, g *group) {
	q := g.inquiry
	if now-q.began < q.settle {
		return
	}
	q.ticks++
	during := g.work(q.ticks)
	if lasted := now - q.began - q.settle; lasted < inquiryFor || during.Samples < inquiryEnough && lasted < inquiryMost {
		return
	}
	g.inquiry = nil
	r := q.suspect
	effect, se, known := relief.Effect(q.before, during)
	if known {
		r.relief = r.relief.Add(now, effect, se)
	}
	change := 100 * math.Expm1(effect)
	if known && relief.Relieves(effect, se) {
		r.inquiryWait = 0
		c.entries.add(now, "relief", r.Name(), 0, math.Expm1(effect), fmt.Sprintf("kept back it relieves %s, which gets %.0f %% more done: it is held", g.name, change))
		return
	}
	r.inquiryWait = min(max(inquiryAgain, 2*r.inquiryWait), inquiryLong)
	r.inquiryAt = now + r.inquiryWait
	r.culpritOf, r.cap = nil, math.Inf(1)
	c.entries.add(now, "relief", r.Name(), 0, math.Expm1(effect), fmt.Sprintf("kept back it does not relieve %s (%+.0f %%): let go", g.name, change))
}

// work is what the members got done in the newest ticks.
func (g *group) work(ticks int) relief.Reading { return g.sums(ticks).work(ticks) }

// workBut is the same without one of them.
func (g *group) workBut(ticks int, but *Route) relief.Reading {
	return g.sums(ticks).but(but, ticks).work(ticks)
}

// work is what was done in so many ticks.
func (s sums) work(ticks int) relief.Reading {
	if s.n == 0 {
		return relief.Reading{}
	}
	return relief.Reading{Samples: int(s.n), Work: s.base, Took: time.Duration(ticks) * tickEvery, CV: s.cv / s.n}
}

// learnUsual follows how much the route is asked for while its upstream is well.
func (r *Route) learnUsual() {
	last, ticks := r.recent.Last(usualTicks)
	if ticks < usualTicks {
		return
	}
	rate := float64(last.Arrivals)
	if r.usual == 0 {
		r.usual = rate
		return
	}
	r.usual += (rate - r.usual) * (1 - math.Exp2(-tickEvery.Seconds()/usualHalfLife.Seconds()))
}

// wantsMore reports that the route is asked for evidently more than usual, and has grown by evidently more than the others: by a factor, and by
// three standard deviations of a Poisson count.
func (r *Route) wantsMore(others float64) bool {
	last, ticks := r.recent.Last(usualTicks)
	return ticks == usualTicks && float64(last.Arrivals) > surgedBy*others*r.usual+3*math.Sqrt(others*r.usual)
}
