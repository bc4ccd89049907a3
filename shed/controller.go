package shed

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"triage/shed/level"
	"triage/shed/queue"
	"triage/shed/window"
)

const (
	tickEvery = 100 * time.Millisecond
	// Cohorts is the number of slices a class is cut into.
	Cohorts = 128
)

// Settings of a Controller.
type Settings struct {
	// Classes is the number of priority classes, at least 1.
	Classes int
	Routes  []RouteSettings
	// Sequence numbers the entries, if several controllers share one sequence; nil counts from 1.
	Sequence func() uint64
}

// Controller decides for the routes of one upstream. It is pure: it is handed the time (since any fixed instant, not going
// backwards: an earlier time counts as the latest seen) and is not safe for concurrent use. Gate makes it so.
type Controller struct {
	classes int
	routes  []*Route
	groups  []*group
	level   level.State
	guard   *Route // the protected route whose errors the level answers to
	// anySuspect is set when some routes are more likely than others to cause the guard's errors.
	anySuspect bool
	levelSince time.Duration // since when the level is above 0

	inFlight int
	arrivals uint64
	latest   time.Duration
	lastTick time.Duration
	lost     time.Duration // in which this process stood still: time that no answer took
	noise    float64       // seconds
	nextID   int
	// woken are tickets that left the waiting room since the caller last took them.
	woken   []*Ticket
	entries journal
}

// New makes a controller. It starts without any knowledge: nothing is refused until a baseline is known.
func New(s Settings) (*Controller, error) {
	c := &Controller{classes: s.Classes, lastTick: -1, entries: journal{number: s.Sequence}}
	if _, err := c.Configure(0, s); err != nil {
		return nil, err
	}
	return c, nil
}

// Configure takes new settings. Routes are told apart by name: one that stays keeps what it learned and its in-flight
// count, its class may change; one that is gone lives on until its last ticket is back. The result is in the order of
// s.Routes.
func (c *Controller) Configure(now time.Duration, s Settings) ([]*Route, error) {
	if s.Classes < 1 || s.Classes > 250 {
		return nil, fmt.Errorf("configuring the controller: %d classes; want 1 to 250", s.Classes)
	}
	known := map[string]*Route{}
	for _, r := range c.routes {
		known[r.settings.Name] = r
	}
	routes := make([]*Route, 0, len(s.Routes))
	seen := map[string]bool{}
	for _, rs := range s.Routes {
		if rs.Class < 0 || rs.Class >= s.Classes {
			return nil, fmt.Errorf("configuring the controller: route %q has class %d of %d", rs.Name, rs.Class, s.Classes)
		}
		if seen[rs.Name] {
			return nil, errors.New("configuring the controller: route " + rs.Name + " is there twice")
		}
		seen[rs.Name] = true
		r := known[rs.Name]
		if r == nil {
			r = newRoute(rs, c.at(now))
		}
		routes = append(routes, r)
	}
	for i, r := range routes {
		r.settings, r.class = s.Routes[i], uint8(s.Routes[i].Class)
	}
	for _, r := range c.routes {
		if !seen[r.settings.Name] {
			c.remove(now, r)
		}
	}
	if c.guard != nil && (c.guard.removed || c.guard.class != 0) {
		// Nobody would tell it any more that the errors are over.
		c.guard, c.level = nil, level.State{}
	}
	c.classes, c.routes = s.Classes, routes
	return slices.Clone(routes), nil
}

func (c *Controller) remove(now time.Duration, r *Route) {
	r.removed = true
	if r.domain.group != nil {
		c.leave(c.at(now), r)
	}
	if r.trialOf != nil {
		r.trialOf.trial, r.trialOf = nil, nil
	}
	r.solo.limit = math.Inf(1)
	c.handOut(c.at(now), &r.solo)
}

// at keeps time from running backwards.
func (c *Controller) at(now time.Duration) time.Duration {
	c.latest = max(c.latest, now)
	return c.latest
}

// Admit decides about a request: afterwards the ticket is running, waiting or refused with its Reason. A waiting ticket
// shows up in Woken later, or is taken back by Leave.
func (c *Controller) Admit(now time.Duration, t *Ticket) {
	now = c.at(now)
	r := t.Route
	r.tick.Arrivals++
	t.Reason, t.Hint = Admitted, r.domain.group != nil || c.level.Level > 0
	d := r.domain
	d.releaseHeld(now)
	if d.group == nil {
		d.limit = r.ceiling(now, c.classes)
	}
	switch {
	case c.mustPass(now, r):
		c.run(now, t)
	case c.degraded(r, t.Cohort):
		c.refuse(now, t, Errors)
	case d.queue.Len() == 0 && d.free():
		c.run(now, t)
	default:
		c.enqueue(now, t, d)
	}
}

// mustPass lets one request a second of every route through, or nothing would be learned.
func (c *Controller) mustPass(now time.Duration, r *Route) bool {
	return now-r.lastRun >= probeEvery
}

func (c *Controller) enqueue(now time.Duration, t *Ticket, d *domain) {
	c.arrivals++
	t.since, t.state, t.domain = now, waiting, d
	t.key = queue.Key{Class: t.Route.class, Cohort: t.Cohort, Arrival: c.arrivals}
	t.Route.queued++
	if away, turned := d.queue.Push(t.key, t, d.room()); turned {
		reason := Displaced
		if away == t {
			reason = d.reason()
		}
		away.Route.queued--
		c.refuse(now, away, reason)
		if away != t {
			c.woken = append(c.woken, away)
		}
	}
	c.handOut(now, d)
	if t.state == running {
		// A slot had become free unnoticed. The caller looks at the ticket anyway, and a second word would outlive it.
		c.woken = slices.DeleteFunc(c.woken, func(w *Ticket) bool { return w == t })
	}
}

func (c *Controller) run(now time.Duration, t *Ticket) {
	r := t.Route
	t.state, t.since, t.lost = running, now, c.lost
	r.inFlight++
	r.domain.inFlight++
	c.inFlight++
	t.early = c.inFlight <= earlyAll
	r.starts += now
	r.lastRun = now
	r.tick.Peak = max(r.tick.Peak, r.inFlight)
}

func (c *Controller) refuse(now time.Duration, t *Ticket, reason Reason) {
	t.state, t.Reason = refused, reason
	t.Route.refusing, t.Route.refusedAt = reason, now
}

// handOut gives free slots to the best of those who wait.
func (c *Controller) handOut(now time.Duration, d *domain) {
	for d.free() {
		t, ok := d.queue.Pop()
		if !ok {
			return
		}
		t.Route.queued--
		c.run(now, t)
		c.woken = append(c.woken, t)
	}
}

// Woken gives the tickets that left the waiting room by themselves since it was last called: running now, or refused.
// The slice is valid until the next call of any method.
func (c *Controller) Woken() []*Ticket {
	woken := c.woken
	c.woken = c.woken[:0]
	return woken
}

// Leave takes a waiting ticket out of the waiting room: its deadline has come, or the client left. It reports false if the ticket
// does not wait any more.
func (c *Controller) Leave(now time.Duration, t *Ticket) bool {
	if t.state != waiting || !t.domain.queue.Remove(t.key, t) {
		return false
	}
	t.Route.queued--
	c.refuse(c.at(now), t, QueueTimeout)
	return true
}

// Wait is how long a request of the route may wait.
func (c *Controller) Wait(r *Route) time.Duration { return r.wait() }

// Done brings a running ticket back. A ticket that does not run is left as it is. waited is the part of its time that the
// backend spent waiting for the client.
func (c *Controller) Done(now time.Duration, t *Ticket, o Outcome, waited time.Duration) {
	if t.state != running {
		return
	}
	now = c.at(now)
	r, began := t.Route, t.since+c.lost-t.lost
	t.state = idle
	r.inFlight--
	r.domain.inFlight--
	c.inFlight--
	r.starts -= began
	took := min(max(now-began-max(waited, 0), 0), window.Longest)
	if t.early && o == Success {
		r.base.Early(took.Seconds())
	}
	c.observe(now, r, took, o)
	r.domain.releaseHeld(now)
	c.handOut(now, r.domain)
}

// observe files the outcome; package comment, point 1. No time at all is no measurement: the clock stood still, or all of it was spent on
// waiting for the client.
func (c *Controller) observe(now time.Duration, r *Route, took time.Duration, o Outcome) {
	seconds, base := took.Seconds(), r.scaled()
	switch o {
	case NotSent:
		return
	case Abandoned:
		r.tick.Lost++
		if base > 0 && seconds > 2*base {
			r.tick.Samples++
			r.tick.Sum += took
		}
		return
	case Success:
		r.base.Sample(seconds)
	case Timeout:
		r.tick.Lost++
		r.tick.Errors++
	case Failure:
		r.tick.Errors++
	}
	r.tick.Completed++
	switch {
	case took > 0 && (o == Success || o == Timeout), base > 0 && seconds > 1.5*base:
		r.tick.Samples++
		r.tick.Sum += took
	case o == Failure && seconds < base:
		r.domain.hold(now - took + time.Duration(base*float64(time.Second)))
	}
}

// noiseFades is by how much the noise falls a tick, noiseMost its bound in seconds.
const (
	noiseFades = 0.8
	noiseMost  = 0.1
)

// listen notes how late this tick is. A process that gets its processor late is late with its answers as well, on all routes at once, and
// must not take that for trouble of the backend's.
func (c *Controller) listen(now time.Duration) {
	c.noise *= noiseFades
	if c.lastTick >= 0 {
		c.noise = min(noiseMost, max(c.noise, (now-c.lastTick-tickEvery).Seconds()))
	}
}

// Tick measures and moves. It is due every TickEvery.
func (c *Controller) Tick(now time.Duration) {
	now = c.at(now)
	stalled := c.stood(now)
	c.listen(now)
	c.lastTick = now
	for _, r := range c.routes {
		r.measure(now, stalled, c.noise)
		if r.domain == &r.solo {
			r.solo.limit = r.ceiling(now, c.classes)
		}
	}
	c.regroup(now)
	for _, g := range slices.Clone(c.groups) {
		c.steer(now, g)
	}
	c.moveLevel(now)
	for _, r := range c.routes {
		r.domain.releaseHeld(now)
		c.handOut(now, r.domain)
	}
}

// Bounds of what a refused client is told to wait.
const (
	retryLeast = time.Second
	retryMost  = 30 * time.Second
)

// RetryAfter estimates how long a refused client had better wait. What has lasted for some time is likely to last for half as
// long again; a route that merely outgrew its headroom is served in a moment.
func (c *Controller) RetryAfter(now time.Duration, r *Route, why Reason) time.Duration {
	lasted := time.Duration(0)
	switch {
	case why == Errors:
		lasted = now - c.levelSince
	case r.domain.group != nil:
		lasted = now - r.domain.group.since
	}
	return min(max(lasted/2, retryLeast), retryMost)
}

// Entries gives the changes with a sequence number above after, oldest first; epoch is the wall time of the controller's zero.
func (c *Controller) Entries(after uint64, epoch time.Time) []Entry {
	return c.entries.after(after, epoch)
}
