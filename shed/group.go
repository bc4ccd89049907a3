package shed

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"triage/shed/limit"
	"triage/shed/relief"
	"triage/shed/window"
)

const (
	opensAt       = 2.5 // times its peak: what a small route that is merely slow can need
	opensWith     = 12  // and how many that is at most: of a large one it would be a flood
	closeAfter    = 3 * time.Second
	fateLasts     = 10 * time.Minute
	usefulTicks   = 3
	strangerAfter = time.Second
	strangerTicks = 5
	kinSlower     = 0.3   // a smaller factor than this is like any other
	farLess       = 0.125 // an excess of so much of another one is none out of the same queue
	kinship       = 0.4   // two excesses, or two factors, are alike
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
	name        string
	since       time.Duration
	law         limit.State
	headroom    float64 // what the founders could have grown to without a group
	y, se       float64
	cv          float64       // of single times to first byte
	excess      float64       // seconds above the baseline, of a mean sample
	like        *group        // another one that is in trouble of the same size
	alike       int           // for so many ticks in a row
	troubled    time.Duration // since when the latency is above what the limit aims at, or was last
	trial       *Route        // a member that is out for a moment
	beforeTrial relief.Reading
	most        float64       // observed: the most that was served of late, in slots
	closed      bool          // nobody is in it any more
	inquiry     *inquiry      // about a route that is kept back for a moment
	cut         *cut          // of the experiment under way, if it has a reference
	unbound     time.Duration // since when the limit keeps nobody out; negative: it does
	why         limit.Reason
	reported    float64
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
		r.founder, r.newcomer, r.trialAt = true, r.scaled() == 0, now+trialFirst
		c.adopt(r, g)
	}
	g.measure(now)
	g.headroom = headroom
	g.law = limit.Open(now, float64(g.inFlight), headroom, slow/math.Max(weight, 1))
	g.limit, g.why, g.reported = g.law.Limit, limit.Opened, g.law.Limit
	c.entries.add(now, "group", g.name, 0, g.limit, fmt.Sprintf("%s: latency %.2f times the baseline", suffering(g.routes), g.y))
}

// suffering says who does.
func suffering(routes []*Route) string {
	if len(routes) == 1 {
		return routes[0].Name() + " suffers"
	}
	return strings.Join(names(routes), ", ") + " suffer together"
}

// measure works out the group's normalised latency over its newest ticks with enough samples. The ticks are the same ones for
// all members: a member that is kept out has no new samples, and its old ones tell of another time.
func (g *group) measure(now time.Duration) {
	for ticks := 1; ticks <= window.Span; ticks++ {
		all := g.sums(ticks)
		if all.n == 0 || all.n < samplesEnough && ticks < window.Span {
			continue
		}
		g.y, g.se, g.excess = all.sum/all.base, all.cv/all.n/math.Sqrt(all.n), (all.sum-all.base)/all.n
		g.cv = all.cv / all.n
		break
	}
	if y := g.ages(now); y > g.y {
		g.y = y
	}
}

// sums are those of the newest ticks: of the times to first byte, of the baselines that belong to them, of the samples, and of the spread.
type sums struct{ sum, base, n, cv float64 }

// sums adds up the members' newest ticks.
func (g *group) sums(ticks int) (all sums) {
	for _, r := range g.routes {
		one := r.sums(ticks)
		all = sums{all.sum + one.sum, all.base + one.base, all.n + one.n, all.cv + one.cv}
	}
	return all
}

// but is what is left without one of the members.
func (s sums) but(r *Route, ticks int) sums {
	one := r.sums(ticks)
	return sums{s.sum - one.sum, s.base - one.base, s.n - one.n, s.cv - one.cv}
}

// sums are the route's own, nothing while it has no baseline.
func (r *Route) sums(ticks int) sums {
	if r.base.Seconds() == 0 {
		return sums{}
	}
	recent, _ := r.recent.Last(ticks)
	n := float64(recent.Samples)
	return sums{recent.Sum.Seconds() + n*slack, n * r.unit(), n, n * r.base.CV()}
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
		base += float64(r.inFlight) * r.unit()
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
	c.watchCut(g, before)
	c.attribute(now, g)
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
	in := limit.Sample{Now: now, Y: g.y, SE: g.se, CV: g.cv, InFlight: g.inFlight, Waiting: g.queue.Len()}
	in.Useful = g.sums(usefulTicks).base / (usefulTicks * tickEvery.Seconds())
	for _, r := range g.routes {
		last, _ := r.recent.Last(1)
		if r.base.Seconds() > 0 {
			samples := float64(last.Samples)
			in.Samples += last.Samples
			in.Sum += last.Sum.Seconds() + samples*slack
			in.Base += samples * r.unit()
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
	c.tellLimit(now, g, fmt.Sprintf("%s (latency %.2f times the baseline, accepted %.2f)", why, g.y, g.law.Scale))
}

// tellLimit writes an entry of what the group's limit has become.
func (c *Controller) tellLimit(now time.Duration, g *group, why string) {
	if g.limit == g.reported {
		return
	}
	c.entries.add(now, "limit", g.name, g.reported, g.limit, why)
	g.reported = g.limit
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
