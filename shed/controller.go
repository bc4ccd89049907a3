package shed

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"triage/shed/level"
)

const (
	tickEvery = 100 * time.Millisecond
)

// Settings of a Controller.
type Settings struct {
	// Classes is the number of priority classes, at least 1.
	Classes int
	Routes  []RouteSettings
	// Observe decides and reports, and refuses nothing.
	Observe bool
	// Sequence numbers the entries, if several controllers share one sequence; nil counts from 1.
	Sequence func() uint64
	// QueueBytes is how much memory the requests that wait may hold, as far as a Gate sees to it; 0 is any amount.
	QueueBytes int64
}

// Controller decides for the routes of one upstream. It is pure: it is handed the time (since any fixed instant, not going
// backwards: an earlier time counts as the latest seen) and is not safe for concurrent use, but for what open.go says. Gate
// makes it so.
type Controller struct {
	classes   int
	observing bool
	routes    []*Route
	groups    []*group
	level     level.State
	guard     *Route // the protected route whose errors the level answers to
	// anySuspect is set when some routes are more likely than others to cause the guard's errors.
	anySuspect bool
	levelSince time.Duration // since when the level is above 0
	endpoints  endpoints

	_        [64]byte // as in Route
	front    front
	inFlight tally
	arrivals uint64
	latest   time.Duration
	lastTick time.Duration
	noise    float64 // seconds
	stalled  bool    // this process stood still during the last tick
	elapsed  elapsed
	// awake are the routes that do not sleep, in the order of routes; stirring those that have woken up since.
	awake, stirring []*Route
	nextID          int
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
			r.slept = c.elapsed
		}
		routes = append(routes, r)
	}
	for i, r := range routes {
		r.settings, r.class, r.index = s.Routes[i], uint8(s.Routes[i].Class), i
		r.widening = headroom(s.Routes[i].Class, s.Classes)
	}
	for _, r := range routes {
		if g := r.domain.group; g != nil && r.settings.Alone && len(g.routes) > 1 {
			c.takeOut(c.at(now), r, "by a new configuration it shares nothing")
		}
	}
	for _, r := range c.routes {
		if !seen[r.settings.Name] {
			c.remove(now, r)
		}
	}
	if c.guard != nil && (c.guard.removed || c.guard.class != 0) {
		// Nobody would tell it any more that the errors are over.
		c.dropLevel(c.at(now), "the protected route is gone, or its class is another")
	}
	c.classes, c.routes = s.Classes, routes
	c.setObserve(c.at(now), s.Observe)
	c.reassemble(c.at(now))
	return slices.Clone(routes), nil
}

func (c *Controller) remove(now time.Duration, r *Route) {
	r.removed = true
	c.shut(r)
	r.notice.spared.Store(math.Float64bits(sparesAll))
	r.notice.sparedRetries.Store(math.Float64bits(sparesAll))
	if r.domain.group != nil {
		c.takeOut(c.at(now), r, "it is gone from the configuration")
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
	if !c.pass(now, t) {
		c.admit(now, t)
	}
}

// admit decides under the lock.
func (c *Controller) admit(now time.Duration, t *Ticket) {
	now = c.at(now)
	r := t.Route
	c.shut(r)
	r.cell(t.stripe).arrivals.Add(t.arrival())
	t.Reason, t.Would, t.Hint = Admitted, Admitted, !c.observing && (r.domain.group != nil || c.level.Level > 0)
	c.arrivals++
	t.since = now
	t.key = t.place(r.classOf(t))
	t.key.Arrival = c.arrivals
	d := r.domain
	d.releaseHeld(now)
	if d.group == nil {
		d.limit = r.ceiling(now)
	}
	switch {
	case c.observing:
		t.Would = c.would(now, t)
		r.note(now, t.Would)
		c.run(now, t)
	case c.mustPass(now, r):
		c.run(now, t)
	case c.degraded(t):
		c.refuse(now, t, Errors)
	case d.queue.Len() == 0 && d.free():
		c.run(now, t)
	case d.hopeless(now, t):
		c.refuse(now, t, Infeasible)
	default:
		c.enqueue(now, t, d)
	}
	c.show(now, r)
}

// mustPass lets one request a second of every route through, or nothing would be learned.
func (c *Controller) mustPass(now time.Duration, r *Route) bool {
	return now-time.Duration(r.door.lastRun.Load()) >= probeEvery
}

func (c *Controller) enqueue(now time.Duration, t *Ticket, d *domain) {
	t.state, t.domain = waiting, d
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
	if t.state != waiting {
		// A slot had become free unnoticed. The caller looks at the ticket anyway, and a second word would outlive it.
		c.woken = slices.DeleteFunc(c.woken, func(w *Ticket) bool { return w == t })
	}
}

func (c *Controller) run(now time.Duration, t *Ticket) {
	r := t.Route
	t.state, t.since, t.began = running, now, now-c.lost()
	r.inFlight++
	r.domain.inFlight++
	c.inFlight.add(t.stripe, 1)
	t.early = !r.base.Known() && c.inFlight.total() <= earlyAll
	r.starts += now
	r.cell(t.stripe).starts.Add(int64(t.began))
	r.door.lastRun.Store(int64(now))
	r.tick.Peak = max(r.tick.Peak, r.inFlight)
}

func (c *Controller) refuse(now time.Duration, t *Ticket, reason Reason) {
	t.state, t.Reason = refused, reason
	t.Route.note(now, reason)
}

// note remembers a refusal of the route. What a client asks of itself says nothing about the backend.
func (r *Route) note(now time.Duration, reason Reason) {
	if reason == Admitted || reason == Infeasible {
		return
	}
	d := &r.door
	d.refusedAt.Store(int64(now))
	if Reason(d.refusing.Load()) != reason {
		d.refusing.Store(uint32(reason))
	}
}

// handOut gives free slots to the best of those who wait.
func (c *Controller) handOut(now time.Duration, d *domain) {
	for d.queue.Len() > 0 && d.free() {
		t, _ := d.queue.Pop()
		t.Route.queued--
		if t.tooLate(now) && !c.mustPass(now, t.Route) && !c.observing {
			c.refuse(now, t, Infeasible)
		} else {
			c.run(now, t)
		}
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
	reason := QueueTimeout
	if t.state == waiting && t.tooLate(c.at(now)) {
		reason = Infeasible
	}
	return c.sendOff(now, t, reason)
}

// sendOff takes a waiting ticket out of the waiting room with a reason.
func (c *Controller) sendOff(now time.Duration, t *Ticket, why Reason) bool {
	if t.state != waiting || !t.domain.queue.Remove(t.key, t) {
		return false
	}
	t.Route.queued--
	now = c.at(now)
	c.refuse(now, t, why)
	c.show(now, t.Route)
	return true
}

// Done brings a running ticket back. A ticket that does not run is left as it is. waited is the part of its time that the
// backend spent waiting for the client.
func (c *Controller) Done(now time.Duration, t *Ticket, o Outcome, waited time.Duration) {
	if t.state == running && !c.back(now, t, o, waited) {
		c.done(now, t, o, waited)
	}
}

// done brings a running ticket back under the lock.
func (c *Controller) done(now time.Duration, t *Ticket, o Outcome, waited time.Duration) {
	now = c.at(now)
	r, took := t.Route, c.backendTime(now, t, waited)
	c.shut(r)
	t.state = idle
	r.inFlight--
	r.domain.inFlight--
	c.inFlight.add(t.stripe, -1)
	r.starts -= t.began + c.lost()
	r.cell(t.stripe).starts.Add(-int64(t.began))
	if t.early && o == Success {
		r.base.Early(took.Seconds())
	}
	cell, quick := r.cell(t.stripe), false
	switch {
	case c.aside(t, o, took, r.scaled()):
		cell.aside(o)
	case o == Abandoned, o == Timeout:
		r.domain.haunt(now, took)
		cell.file(o, took, r.scaled())
	default:
		quick = cell.file(o, took, r.scaled())
	}
	if quick {
		r.domain.hold(&r.domain.failed, now-took+time.Duration(r.scaled()*float64(time.Second)))
	}
	r.domain.releaseHeld(now)
	c.handOut(now, r.domain)
	c.show(now, r)
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
	c.stalled = c.stood(now)
	c.listen(now)
	c.lastTick = now
	calm := len(c.groups) == 0 && !c.stalled
	c.elapsed.count(c.stalled, calm)
	c.assemble()
	for _, r := range c.awake {
		r.gather(now, c.lost())
		c.weather(now, r)
		r.measure(now, c.stalled, c.noise)
		c.goBlind(now, r)
		c.raiseCap(now, r)
		if calm {
			r.learnUsual()
		}
		if r.domain == &r.solo {
			r.solo.limit = r.ceiling(now)
		}
	}
	for _, g := range c.groups {
		g.measure(now)
	}
	c.regroup(now)
	c.assemble()
	for _, g := range slices.Clone(c.groups) {
		if c.observing {
			c.watch(now, g)
		} else {
			c.steer(now, g)
		}
	}
	c.moveLevel(now)
	c.foresee()
	for _, r := range c.awake {
		r.domain.releaseHeld(now)
		c.handOut(now, r.domain)
	}
	c.showAll(now)
	c.lullAll(now)
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
		lasted = now - time.Duration(c.front.levelSince.Load())
	default:
		if since := r.notice.sign.Load().since.Load(); since >= 0 {
			lasted = now - time.Duration(since)
		}
	}
	return min(max(lasted/2, retryLeast), retryMost)
}

// Entries gives the changes with a sequence number above after, oldest first; epoch is the wall time of the controller's zero.
func (c *Controller) Entries(after uint64, epoch time.Time) []Entry {
	return c.entries.after(after, epoch)
}
