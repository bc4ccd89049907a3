package shed

import (
	"fmt"
	"math"
	"time"

	"triage/shed/level"
)

const (
	defaultObjective = 0.02
	errorSamples     = 40
)

// errorTest watches a route's errors.
type errorTest struct {
	level.Test
	alarmed bool
}

func (r *Route) objective() float64 {
	if r.settings.ErrorObjective > 0 {
		return r.settings.ErrorObjective
	}
	return defaultObjective
}

// degraded reports whether the level refuses the ticket.
func (c *Controller) degraded(t *Ticket) bool {
	spared := c.spared(t.Route, t.Route.classOf(t))
	return spared < sparesAll && t.cohort() >= spared
}

// cohort is the ticket's place in its class before the level: whoever has a higher one goes first. A stage halves what a cohort counts, two
// make it a third, and so on: who has come further goes later, and still no share of a class is all or nothing.
func (t *Ticket) cohort() float64 { return float64(t.Cohort) / (1 + float64(t.Stage)) }

// sparesAll is above any cohort.
const sparesAll = math.MaxFloat64

// spared is the cohort from which on the level refuses the route's requests that count as that class.
func (c *Controller) spared(r *Route, class uint8) float64 {
	if c.level.Level <= 0 || r.class == 0 || !c.underLevel(r) {
		return sparesAll
	}
	if share := c.level.Level - float64(c.fromBottom(int(class))); share > 0 {
		return Cohorts * (1 - share)
	}
	return sparesAll
}

func (c *Controller) fromBottom(class int) int { return c.classes - 1 - class }

// underLevel reports whether the route may share what the guarded route depends on. Routes that suffered together with it, or
// show errors of their own while it fails, are the suspects; without any suspect every route of the upstream is one.
func (c *Controller) underLevel(r *Route) bool {
	return c.guard != nil && !r.settings.Alone && !c.guard.settings.Alone && (!c.anySuspect || r.suspect)
}

// suspects looks for routes that may have to do with the guarded route's errors. A suspect stays one until the level is back
// at 0: while it is refused it cannot show anything.
func (c *Controller) suspects() {
	c.anySuspect = false
	var fated map[*Route]bool
	if f := c.guard.fate; f != nil {
		fated = setOf(f.routes)
		for _, r := range f.routes {
			if r.asleep && !r.removed {
				c.wake(r)
			}
		}
		c.assemble()
	}
	for _, r := range c.awake {
		if c.level.Level == 0 && !c.level.Testing() {
			r.suspect = false
		}
		share, n := r.recentErrors()
		failing := n >= 10 && share > 2*r.objective()
		together := r.domain.group != nil && r.domain == c.guard.domain
		may := r != c.guard && r.class > 0 && !r.settings.Alone
		r.suspect = r.suspect || may && (failing || together || fated[r] || r.sharesWith(c.guard))
		c.anySuspect = c.anySuspect || r.suspect
	}
}

// moveLevel feeds the protected routes' errors to the sequential tests and lets package level move.
func (c *Controller) moveLevel(now time.Duration) {
	c.endpoints.fade()
	for _, r := range c.awake {
		last, _ := r.recent.Last(1)
		r.errors.alarmed = r.errors.Add(last.Completed, last.Errors, r.objective())
		if r.slowTicks++; !r.suffering {
			r.slowTicks = 0
		}
		if r.class != 0 {
			continue
		}
		if r.errors.alarmed && (c.guard == nil || c.level.Level == 0 && !c.level.Testing() && !c.guard.errors.alarmed) {
			c.guard = r
		}
	}
	if c.guard == nil {
		return
	}
	c.suspects()
	before := c.level.Level
	var why level.Reason
	c.level, why = c.level.Next(c.levelSample(now))
	spared := why == level.NoSign || why == level.Endpoint
	if why != level.None && !spared {
		c.guard.errors.Reset()
	}
	if before == 0 {
		c.levelSince = now
	}
	if before != c.level.Level || spared {
		recent, _ := c.guard.recentErrors()
		c.entries.add(now, "level", c.guard.Name(), before, c.level.Level, fmt.Sprintf("%s (%.0f %% errors)", why, 100*recent))
	}
}

// dropLevel ends the level: what it was decided on is gone.
func (c *Controller) dropLevel(now time.Duration, why string) {
	if c.level.Level > 0 {
		c.entries.add(now, "level", c.guard.Name(), c.level.Level, 0, why)
	}
	c.guard, c.level = nil, level.State{}
}

func (r *Route) recentErrors() (share float64, n int) {
	sum := r.recent.Outcomes(errorSamples)
	return sum.ErrorShare(), sum.Completed
}

func (c *Controller) levelSample(now time.Duration) level.Sample {
	g, signs := c.guard, c.signs()
	last, _ := g.recent.Last(1)
	in := level.Sample{
		Now: now, Completed: last.Completed, Errors: last.Errors, Alarmed: g.errors.alarmed, Objective: g.objective(), Signs: &signs,
		Settle: time.Duration(g.scaled() * float64(time.Second)), Shares: make([]float64, c.classes-1),
	}
	in.Recent, in.RecentN = g.recentErrors()
	var total float64
	for _, r := range c.awake {
		if !c.underLevel(r) && r != g {
			continue
		}
		work := math.Max(r.demand(), 1e-6*float64(r.inFlight+r.queued))
		if r.base.Seconds() == 0 {
			sum, _ := r.recent.Last(5)
			work = 0.01 * float64(sum.Arrivals)
		}
		total += work
		if r.class > 0 {
			in.Shares[c.fromBottom(int(r.class))] += work
		}
	}
	in.Offered = total
	for k := range in.Shares {
		in.Shares[k] /= math.Max(total, 1e-9)
	}
	return in
}
