package shed

import (
	"math"
	"slices"
	"time"

	"triage/shed/window"
)

// A route without traffic costs a tick nothing: it sleeps. Nothing about it changes any more after window.Span idle ticks but what
// is made up for when it wakes, so that a route that slept cannot be told from one that was measured all the time.

// forgetsPeak is after how many idle ticks nothing is left of a peak, nor of what was usual: 120 half-lives.
const forgetsPeak = int(120 * peakHalfLife / tickEvery)

// wake lets a route that slept take part again.
func (c *Controller) wake(r *Route) {
	c.makeUp(r)
	r.asleep, r.quiet = false, 0
	r.noise, r.stalled = c.noise, c.stalled
	c.stirring = append(c.stirring, r)
}

// makeUp does to a sleeping route what the ticks that it slept through would have done.
func (c *Controller) makeUp(r *Route) {
	missed := c.elapsed.since(r.slept)
	r.slept = c.elapsed
	for range min(missed.ticks, window.Span) {
		r.recent.Add(window.Tick{})
	}
	for n := min(missed.ticks, forgetsPeak); n > 0 && r.peak > 0; n-- {
		r.fadePeak()
	}
	if missed.ticks >= forgetsPeak {
		r.peak = 0
	}
	for n := min(missed.calms, forgetsPeak); n > 0 && r.usual > 0; n-- {
		r.learnUsual()
	}
	if missed.stalls > 0 {
		r.base.Spoil()
	}
	for n := missed.ticks; n > 0 && (r.flow != flow{} || r.storm != storm{}); n-- {
		r.storm, r.flow = r.storm.next(0, 0), r.flow.next(0, 0)
	}
}

// elapsed counts ticks, so that a route that slept knows what it missed.
type elapsed struct {
	ticks  int
	stalls int // ticks during which the process stood still
	calms  int // ticks from which routes learn what is usual
}

func (e *elapsed) count(stalled, calm bool) {
	e.ticks++
	if stalled {
		e.stalls++
	}
	if calm {
		e.calms++
	}
}

func (e elapsed) since(o elapsed) elapsed {
	return elapsed{e.ticks - o.ticks, e.stalls - o.stalls, e.calms - o.calms}
}

// assemble lets the routes that have woken up take part in the tick, in the order of the configuration.
func (c *Controller) assemble() {
	if len(c.stirring) == 0 {
		return
	}
	c.awake = append(c.awake, c.stirring...)
	clear(c.stirring)
	c.stirring = c.stirring[:0]
	slices.SortFunc(c.awake, func(a, b *Route) int { return a.index - b.index })
}

// reassemble takes over a new configuration.
func (c *Controller) reassemble(now time.Duration) {
	gone := func(r *Route) bool { return r.removed }
	c.awake, c.stirring = slices.DeleteFunc(c.awake, gone), slices.DeleteFunc(c.stirring, gone)
	c.stirring, c.awake = append(c.stirring, c.awake...), c.awake[:0]
	c.assemble()
	c.showAll(now)
}

// lullAll puts idle routes to sleep.
func (c *Controller) lullAll(now time.Duration) {
	kept := c.awake[:0]
	for _, r := range c.awake {
		if !c.lull(now, r) {
			kept = append(kept, r)
		}
	}
	clear(c.awake[len(kept):])
	c.awake = kept
}

// lull puts the route to sleep if another idle tick would change nothing.
func (c *Controller) lull(now time.Duration, r *Route) (asleep bool) {
	if r.quiet < window.Span || r.inFlight > 0 || r.queued > 0 || r.domain != &r.solo || r.trialOf != nil {
		return false
	}
	if r.culpritOf != nil || r.suspect || r.errors.alarmed || r.storm.on {
		return false
	}
	c.shut(r)
	if r.inFlight > 0 || r.touched() {
		c.show(now, r) // somebody came this very moment
		return false
	}
	r.asleep, r.slept = true, c.elapsed
	return true
}

// touched reports whether requests have come since the last tick.
func (r *Route) touched() bool {
	touched := r.own.arrivals.Load() > 0
	if cells := r.notice.cells.Load(); cells != nil {
		for i := range cells {
			touched = touched || cells[i].arrivals.Load() > 0
		}
	}
	return touched
}

// fadePeak lets the peak fall by a tick.
func (r *Route) fadePeak() { r.peak *= math.Exp2(-tickEvery.Seconds() / peakHalfLife.Seconds()) }
