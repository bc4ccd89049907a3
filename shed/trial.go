package shed

import (
	"fmt"
	"math"
	"time"

	"triage/shed/limit"
	"triage/shed/relief"
)

// Constants of a trial release.
const (
	foundingLeast = 500 * time.Millisecond
	trialCalm     = 1.22 // of the target latency: above it the group itself is not settled
	trialFor      = 1500 * time.Millisecond
	trialSamples  = 32
	trialWell     = 1.2
	trialFirst    = time.Second     // in the group before the first trial
	trialAgain    = 4 * time.Second // after one that failed, then twice as long each time
	trialLongest  = 2 * time.Minute
	trialAloof    = 10 * time.Second
)

// tryRelease lets a member that is being refused out of its group for a moment, to see whether it belongs there. A route can come into
// a group by chance, and one that gets nothing through cannot show that it is well. Not tried are the most important class,
// which is not refused, and the founders, which began to suffer with the group itself: their evidence was better than chance.
func (c *Controller) tryRelease(now time.Duration, g *group) {
	if g.trial != nil || g.inquiry != nil || len(g.routes) < 2 || g.law.Phase != limit.Steady || g.y > trialCalm*g.law.Scale {
		return
	}
	longest := g.longest()
	for _, r := range g.routes {
		refused := r.refusing != Admitted && now-r.refusedAt < 5*tickEvery
		if r.class == 0 || r.founder && !r.waitedFarLess(longest) || !refused || now < r.trialAt {
			continue
		}
		g.beforeTrial = g.workBut(pleaTicks+2, r)
		c.takeOut(now, r, "for a moment, to see whether it belongs there")
		r.slowness, r.trialOf, r.trialAt = 1, g, now
		g.trial = r
		return
	}
}

// waitedFarLess reports that another member's requests waited many times as long as the route's ever did. Whoever suffers first founds the
// group, and a short answer is soon twice as long; but routes that stand in the same queue wait there equally long.
func (r *Route) waitedFarLess(longest float64) bool {
	return !r.newcomer && r.longest < farLess*longest
}

// longest is the longest that a member's requests waited.
func (g *group) longest() (longest float64) {
	for _, r := range g.routes {
		longest = max(longest, r.longest)
	}
	return longest
}

// judgeTrials ends trials: whoever is well outside stays outside, whoever suffers there goes back.
func (c *Controller) judgeTrials(now time.Duration) {
	for _, r := range c.awake {
		g := r.trialOf
		if g == nil {
			continue
		}
		sum, _ := r.recent.Newest(trialSamples)
		over := now-r.trialAt >= trialFor || sum.Samples >= trialSamples
		if !r.suffering && !over && len(g.routes) > 0 {
			continue
		}
		g.trial, r.trialOf = nil, nil
		during := g.work(int((now - r.trialAt) / tickEvery))
		effect, se, known := relief.Effect(during, g.beforeTrial)
		if known && len(g.routes) > 0 {
			r.relief = r.relief.Add(now, effect, se) // it had been kept back until then
		}
		burdens := known && relief.Relieves(effect, se)
		switch {
		case len(g.routes) == 0:
		case !burdens && r.known && !r.suffering && r.x <= trialWell+r.se:
			r.aloofTill, r.released, r.fate, r.trialWait = now+trialAloof, true, nil, 0
			c.entries.add(now, "group", g.name, float64(len(g.routes)+1), float64(len(g.routes)), fmt.Sprintf("%s leaves: released for a moment it was well, latency %.2f times the baseline", r.Name(), r.x))
		case !burdens && r.suffering && !g.inTroubleLike(r):
			r.trialWait = 0
			c.entries.add(now, "group", g.name, float64(len(g.routes)+1), float64(len(g.routes)), fmt.Sprintf("%s leaves: released for a moment it suffered by itself, latency %.2f times the baseline, the group's %.2f", r.Name(), r.x, g.y))
		default:
			r.trialWait = min(max(trialAgain, 2*r.trialWait), trialLongest)
			r.trialAt = now + r.trialWait
			c.adopt(r, g)
			c.entries.add(now, "group", g.name, float64(len(g.routes)-1), float64(len(g.routes)), fmt.Sprintf("%s is back: released for a moment it suffered, latency %.2f times the baseline", r.Name(), math.Max(r.x, 1)))
		}
	}
}
