package shed

import (
	"fmt"
	"math"
	"strings"
	"time"

	"triage/shed/window"
)

// Locked makes the controller decide about everything itself, as if there were no way without the lock, and keeps every route awake.
// It has to be called before every call.
func (c *Controller) Locked() {
	for _, r := range c.routes {
		c.shut(r)
		r.quiet = 0
		r.notice.spared.Store(math.Float64bits(sparesAll))
		r.notice.sparedRetries.Store(math.Float64bits(sparesAll))
		r.domain.sign.from.Store(0)
	}
}

// Pass decides without the lock, if that is possible; Ask decides with it.
func (c *Controller) Pass(now time.Duration, t *Ticket) bool { return c.pass(now, t) }
func (c *Controller) Ask(now time.Duration, t *Ticket)       { c.admit(now, t) }

// Awake is the number of routes that a tick measures.
func (c *Controller) Awake() int { return len(c.awake) + len(c.stirring) }

// Open reports whether requests of the route need no lock.
func (r *Route) Open() bool { return allowed(r.door.word.Load()) > 0 }

// Controller is the gate's own; whoever uses it holds nobody else up only if there is nobody else.
func (g *Gate) Controller() *Controller { return g.controller }

// Advance makes the gate older.
func (g *Gate) Advance(by time.Duration) { g.epoch = g.epoch.Add(-by) }

// Age is the gate's time.
func (g *Gate) Age() time.Duration { return time.Since(g.epoch) }

// ForceLevel sets the level, with the route as the one that it protects.
func (c *Controller) ForceLevel(now time.Duration, level float64, guard *Route) {
	c.level.Level, c.guard, c.levelSince = level, guard, now
	c.showAll(now)
}

// Level is the level, 0 if nobody is refused because of errors.
func (c *Controller) Level() float64 { return c.level.Level }

// Gather puts routes that stand by themselves into a group, as a tick does.
func (c *Controller) Gather(now time.Duration, routes ...*Route) {
	c.open(now, routes)
	c.assemble()
	c.showAll(now)
}

// Scatter closes all groups.
func (c *Controller) Scatter(now time.Duration) {
	for len(c.groups) > 0 {
		c.close(now, c.groups[0])
	}
	c.showAll(now)
}

// Under calls f under the gate's lock.
func (g *Gate) Under(f func(now time.Duration, c *Controller)) {
	g.locked(func(now time.Duration) error { f(now, g.controller); return nil })
}

// Collect takes what requests have left behind since it was last called.
func (c *Controller) Collect(now time.Duration) (sum window.Tick) {
	for _, r := range c.routes {
		r.gather(now, c.lost())
		sum.Arrivals += r.tick.Arrivals
		sum.Completed += r.tick.Completed
		sum.Errors += r.tick.Errors
		sum.Lost += r.tick.Lost
		sum.Samples += r.tick.Samples
		sum.Sum += r.tick.Sum
		r.tick = window.Tick{}
	}
	return sum
}

// Ages is the sum of the ages of what is in flight of the route, as a tick would see it.
func (c *Controller) Ages(now time.Duration, r *Route) time.Duration {
	r.look(now, c.lost())
	return now*time.Duration(r.inFlight) - r.starts
}

// Leftover describes what is still counted when nothing is in flight, "" if all is well.
func (c *Controller) Leftover() string {
	var all []string
	say := func(what string, n int64) {
		if n != 0 {
			all = append(all, fmt.Sprintf("%s %d", what, n))
		}
	}
	say("in flight of all routes:", c.inFlight.total())
	for _, r := range c.routes {
		say(r.Name()+" starts:", int64(r.sumStarts()))
		c.shut(r)
		say(r.Name()+" in flight:", int64(r.inFlight))
		say(r.Name()+" by itself:", int64(r.solo.inFlight))
		say(r.Name()+" queued:", int64(r.queued))
		say(r.Name()+" waiting:", int64(r.domain.queue.Len()))
		say(r.Name()+" in its domain:", int64(r.domain.inFlight))
	}
	return strings.Join(all, ", ")
}

// Alone reports whether the route is in no group.
func (r *Route) Alone() bool { return r.domain == &r.solo && r.trialOf == nil && !r.removed }

// Probed makes the route look as if a request had just been let through.
func (r *Route) Probed(now time.Duration) { r.door.lastRun.Store(int64(now)) }

// Learned reports whether the route has a learned baseline.
func (r *Route) Learned() bool { return r.base.Known() }
