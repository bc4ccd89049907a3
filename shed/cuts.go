package shed

import (
	"math"

	"triage/shed/limit"
	"triage/shed/relief"
)

// What the limit's own cuts tell of relief. An experiment has a reading before its cut and one after it, and the cut takes work from whoever is
// least important in the group. If that was one route alone, the others' work before and after it is a look at that route, with the error of
// any look. If it was several, nobody can say whose absence it was, and nothing is filed. The level's cuts are not looked at: they are
// judged by errors, and by what share of the work is gone, not by work.

const (
	cutTicks = 5   // of each reading
	cutAlone = 0.8 // of the work that was taken, by one route
	cutLeast = 0.5 // of the route's own work
)

// cut is what the members did before an experiment lowered the limit.
type cut struct {
	routes []*Route
	own    []float64
	others []relief.Reading
}

// watchCut remembers what the members did when a cut with a reference begins, and files a look when its verdict has come.
func (c *Controller) watchCut(g *group, before limit.State) {
	switch {
	case before.Phase == limit.Hold && g.law.Phase == limit.Drain && g.law.Limit < before.Limit:
		g.cut = &cut{}
		all := g.sums(cutTicks)
		for _, r := range g.routes {
			g.cut.routes = append(g.cut.routes, r)
			g.cut.own = append(g.cut.own, r.work())
			g.cut.others = append(g.cut.others, all.but(r, cutTicks).work(cutTicks))
		}
	case before.Phase != limit.Look || g.cut == nil:
	default:
		if g.law.Phase == limit.Steady && len(g.cut.routes) == len(g.routes) {
			c.fileCut(g, g.cut)
		}
		if g.law.Phase != limit.Look {
			g.cut = nil
		}
	}
}

// fileCut files a look at the one route that the cut kept back, if it was one.
func (c *Controller) fileCut(g *group, was *cut) {
	var all, most float64
	at := -1
	for i, r := range was.routes {
		taken := math.Max(0, was.own[i]-r.work())
		if all += taken; taken > most {
			most, at = taken, i
		}
	}
	if at < 0 || most < cutAlone*all || most < cutLeast*was.own[at] {
		return
	}
	r := was.routes[at]
	if effect, se, known := relief.Effect(was.others[at], g.workBut(cutTicks, r)); known && r.domain == &g.domain {
		r.relief = r.relief.Add(c.latest, effect, se)
	}
}

// work is the concurrency of the route that did work lately.
func (r *Route) work() float64 {
	sum, ticks := r.recent.Last(cutTicks)
	return float64(sum.Samples) * r.base.Seconds() / (float64(max(ticks, 1)) * tickEvery.Seconds())
}
