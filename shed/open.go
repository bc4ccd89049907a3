package shed

import (
	"math"
	"sync/atomic"
	"time"

	"triage/shed/window"
)

// The way that takes no lock. While nobody waits for a route and the level leaves it alone, admitting a request means counting it, and
// bringing it back means counting it out and filing what became of it; the route's door does both. The routes of a group are lent
// slots of its limit for that. What cannot be decided like that the controller decides, under its lock: it shuts the doors first, which
// makes the plain fields of the route and its group true, works with them, and opens the doors again if they may stand open.
//
// A refusal needs no lock either where it cannot be otherwise: the level refuses the cohort, or the waiting room is full of better
// ones and nothing has happened since that could have changed it.
//
// pass, back and RetryAfter may be called by anybody at any time; everything else needs the lock.

// front is what all routes of a controller have to know without the lock. It is written once a tick.
type front struct {
	ticked     atomic.Int64 // the time of the newest tick: none is earlier
	levelSince atomic.Int64
	lost       atomic.Int64 // in which this process stood still: time that no answer took
	degrade    atomic.Bool  // the level is above 0
	_          [32]byte
}

// pass decides about a request without the lock, if it can.
func (c *Controller) pass(now time.Duration, t *Ticket) (decided bool) {
	r := t.Route
	now = max(now, time.Duration(c.front.ticked.Load()))
	if spared := math.Float64frombits(r.notice.sparedOf(t).Load()); spared < sparesAll && t.cohort() >= spared {
		return c.turnAway(now, t, Errors)
	}
	cell := r.cell(t.stripe)
	began := now - c.lost()
	if !r.door.in(&cell.starts, began) {
		return c.readSign(now, t)
	}
	r.door.lastRun.Store(int64(now))
	cell.arrivals.Add(t.arrival())
	c.inFlight.add(t.stripe, 1)
	t.state, t.since, t.began, t.Reason, t.Would, t.Hint = running, now, began, Admitted, Admitted, r.notice.grouped.Load() || c.front.degrade.Load()
	t.early = r.notice.learning.Load() && c.inFlight.total() <= earlyAll
	return true
}

// readSign refuses a request that would not get into the waiting room.
func (c *Controller) readSign(now time.Duration, t *Ticket) (refused bool) {
	n := &t.Route.notice
	s := n.sign.Load()
	from := s.from.Load()
	if from == 0 || t.place(n.classOf(t)).Rank() < from-1 || now >= time.Duration(s.until.Load()) {
		return false
	}
	return c.turnAway(now, t, s.reason())
}

// turnAway refuses a request, unless the route is due to let one through in any case.
func (c *Controller) turnAway(now time.Duration, t *Ticket, why Reason) (refused bool) {
	if c.mustPass(now, t.Route) {
		return false
	}
	t.Route.cell(t.stripe).arrivals.Add(t.arrival())
	c.refuse(now, t, why)
	return true
}

// back brings a running ticket back without the lock, if it can.
func (c *Controller) back(now time.Duration, t *Ticket, o Outcome, waited time.Duration) (done bool) {
	if t.early && o == Success {
		return false // it teaches the guess
	}
	r := t.Route
	if r.notice.grouped.Load() && o.lingers() || !r.door.out() {
		return false
	}
	now = max(now, time.Duration(c.front.ticked.Load()))
	t.state = idle
	c.inFlight.add(t.stripe, -1)
	cell := r.cell(t.stripe)
	cell.starts.Add(-int64(t.began))
	took, base := c.backendTime(now, t, waited), math.Float64frombits(r.notice.base.Load())
	if c.aside(t, o, took, base) {
		cell.aside(o)
		return true
	}
	cell.file(o, took, base)
	return true
}

// backendTime is how long the backend had the request, without what it spent waiting for the client, and without what this process stood
// still.
func (c *Controller) backendTime(now time.Duration, t *Ticket, waited time.Duration) time.Duration {
	return min(max(now-c.lost()-t.began-max(waited, 0), 0), window.Longest)
}

// cell is where the route's requests with that stripe file what they leave behind.
func (r *Route) cell(stripe uint8) *cell {
	if cells := r.notice.cells.Load(); cells != nil {
		return &cells[stripe%stripes]
	}
	return &r.own
}

// shut makes the plain fields of the route true, and those of all that share its limit, until show.
func (c *Controller) shut(r *Route) {
	if r.asleep {
		c.wake(r)
	}
	r.domain.shut(c.lost())
}

// shut shuts the doors of the domain's routes. lost is what the controller has lost.
func (d *domain) shut(lost time.Duration) {
	if d.group != nil && !d.lent {
		return
	}
	d.lent = false
	for _, r := range d.routes {
		if r.open {
			r.open = false
			r.count(r.door.shut())
			r.starts = r.sumStarts() + lost*time.Duration(r.inFlight)
		}
	}
}

// count takes over what the door has counted.
func (r *Route) count(inFlight int) {
	r.domain.inFlight += inFlight - r.inFlight
	r.inFlight = inFlight
}

// show follows whatever the controller has done about a route: it renews the sign in front of the waiting room, and opens the door if
// it may stand open.
func (c *Controller) show(now time.Duration, r *Route) {
	r.domain.post(now)
	if r.domain.group != nil {
		c.lend(r.domain)
		return
	}
	limit := r.openTo(now)
	if c.observing {
		limit = 0 // every request is to be told what would have become of it
	}
	switch {
	case limit == 0:
		c.shut(r)
	case r.open:
		r.door.resize(limit)
	default:
		c.publish(r)
		r.door.open(limit, r.inFlight)
		r.open = true
	}
}

// lentLeast is how many slots a route of a group has to be lent, or its door stays shut: opening one costs about what a request saves.
const lentLeast = 4

// lentMost is how many routes a group may have that lends slots. Whoever takes the lock opens all of its doors anew, and must not pay for more
// of them the more there are.
const lentMost = 16

// lend opens the doors of a group that nobody waits for: every route may let as many in as its part of the slots that are free. So no more
// can come than there are slots, however they come; who finds his route's part used up makes the controller count and lend again.
func (c *Controller) lend(d *domain) {
	d.shut(c.lost())
	part := d.slots() / len(d.routes)
	if c.observing || d.queue.Len() > 0 || part < lentLeast || len(d.routes) > lentMost {
		return
	}
	d.lent = true
	for _, r := range d.routes {
		c.publish(r)
		r.door.open(min(r.inFlight+part, flightMost), r.inFlight)
		r.open = true
	}
}

// publish tells the requests what they have to know of their route.
func (c *Controller) publish(r *Route) {
	n := &r.notice
	replace(&n.base, math.Float64bits(r.scaled()))
	spared, sparedRetries := sparesAll, sparesAll
	if !c.observing {
		spared, sparedRetries = c.spared(r, r.class), c.spared(r, r.retryClass())
	}
	replace(&n.spared, math.Float64bits(spared))
	replace(&n.sparedRetries, math.Float64bits(sparedRetries))
	if learning := !r.base.Known(); n.learning.Load() != learning {
		n.learning.Store(learning)
	}
	if class := uint32(r.class) | uint32(r.retryClass())<<8; n.class.Load() != class {
		n.class.Store(class)
	}
}

// sparedOf and classOf are what holds for the ticket.
func (n *notice) sparedOf(t *Ticket) *atomic.Uint64 {
	if t.Retry {
		return &n.sparedRetries
	}
	return &n.spared
}

func (n *notice) classOf(t *Ticket) uint8 {
	class := n.class.Load()
	if t.Retry {
		class >>= 8
	}
	return uint8(class)
}

// replace is a store that leaves the cache line alone if it would change nothing.
func replace(a *atomic.Uint64, with uint64) {
	if a.Load() != with {
		a.Store(with)
	}
}

// showAll publishes what a tick, or a new configuration, has changed.
func (c *Controller) showAll(now time.Duration) {
	c.front.ticked.Store(int64(now))
	c.front.levelSince.Store(int64(c.levelSince))
	c.front.degrade.Store(c.level.Level > 0)
	for _, r := range c.awake {
		c.publish(r)
		c.show(now, r)
	}
}

// openTo is how many may be in flight of the route without asking the controller; 0: it has to be asked about every one.
func (r *Route) openTo(now time.Duration) int {
	switch {
	case r.removed, r.solo.queue.Len() > 0, r.inFlight >= flightMost:
		return 0
	case now < r.headroomAt: // between two ticks the ceiling will begin to count
		return 0
	}
	return int(min(math.Ceil(max(1, r.ceiling(now))), flightMost))
}

// post renews the sign in front of the waiting room.
func (d *domain) post(now time.Duration) {
	s := &d.sign
	if d.queue.Len() < roomFloor || d.queue.Len() < d.room() || d.free() || d.moved(now) {
		replace(&s.from, 0)
		return
	}
	worst, _ := d.queue.Worst()
	s.until.Store(int64(min(d.failed.first(), d.ghosts.first())))
	replace(&s.from, 1+worst.Rank())
}

// moved reports that the limit is another than the one that slots were last handed out by: whoever comes next makes the controller do
// that again.
func (d *domain) moved(now time.Duration) bool {
	return d.group == nil && d.limit != d.routes[0].ceiling(now)
}

// reason is what whoever is not let in is told; see domain.reason.
func (s *sign) reason() Reason {
	if s.since.Load() < 0 {
		return Headroom
	}
	return Limit
}
