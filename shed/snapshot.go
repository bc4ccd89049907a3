package shed

import (
	"math"
	"time"
)

// RouteSnapshot is what the law knows of a route.
type RouteSnapshot struct {
	// InFlight counts requests whose response header has not come yet; Queued those in the waiting room.
	InFlight int `json:"in_flight"`
	Queued   int `json:"queued"`
	// Ceiling is the standing headroom: how far in-flight may grow at the moment; 0 while there is none.
	Ceiling float64 `json:"ceiling"`
	// Baseline is the time to first byte when all is well, in seconds; 0 until it is known.
	Baseline float64 `json:"baseline_seconds"`
	// Demand is the concurrency that the route's users ask for, refused ones included, Served how much of it they get: slots, 0 while
	// the baseline is unknown.
	Demand float64 `json:"demand_concurrency"`
	Served float64 `json:"served_concurrency"`
	// Latency is the normalised latency: time to first byte ÷ baseline; 0 while unknown.
	Latency float64 `json:"latency_ratio"`
	// Errors is the share of recent requests that failed in the backend.
	Errors float64 `json:"error_ratio"`
	// Group is the name of the group the route is in, "" for none.
	Group string `json:"group,omitempty"`
	// RetryStorm is set while so many requests are retries that these count as one class lower.
	RetryStorm bool `json:"retry_storm,omitempty"`
	// WouldRefuse is the reason with which requests would be refused, if the law did not only observe.
	WouldRefuse string `json:"would_refuse,omitempty"`
	// Refusing is the reason with which the route's newest requests are refused, "" while none is.
	Refusing string `json:"refusing,omitempty"`
	// Relief says what others gain when this route is shed; nil until somebody has looked.
	Relief *ReliefSnapshot `json:"relief,omitempty"`
}

// ReliefSnapshot is what experiments have shown of a route: when it is shed, others that suffer get so much more done.
type ReliefSnapshot struct {
	// Gain is a share: 0.5 is half as much again; Error is its standard error.
	Gain  float64 `json:"gain"`
	Error float64 `json:"gain_error"`
	// Looks is how many experiments there were.
	Looks int `json:"looks"`
	// HeldAt is the number of concurrent requests that the route is held at because it is in the way of a group; 0: it is not.
	HeldAt float64 `json:"held_at,omitempty"`
	// Of is the group that gains from that.
	Of string `json:"of,omitempty"`
}

// GroupSnapshot is the state of routes that share a bottleneck.
type GroupSnapshot struct {
	Name   string   `json:"name"`
	Routes []string `json:"routes"`
	// Since is when the group was opened.
	Since time.Time `json:"since"`
	// Limit is the number of concurrent requests of the whole group; 0 while there is none yet (mode observe).
	Limit    float64 `json:"limit"`
	InFlight int     `json:"in_flight"`
	Queued   int     `json:"queued"`
	// Pressure is normalised latency ÷ accepted slowness: about 1 when the limit is right.
	Pressure float64 `json:"pressure"`
	// Slowness is what the law has accepted as not caused by load: 1 is none.
	Slowness float64 `json:"slowness"`
	// State says what the law is doing: a word.
	State string `json:"state"`
	// Reason says why the limit stands where it stands: a sentence for people.
	Reason string `json:"reason"`
	// ShedFrom is the most important class, by number, of which requests are refused at the moment; -1 for none.
	ShedFrom int `json:"shed_from"`
}

// Entry is one change that the law made, with the numbers it was decided on.
type Entry struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	// Upstream is filled in by whoever has several gates.
	Upstream string `json:"upstream,omitempty"`
	Subject  string `json:"subject"`
	// Kind is one of: group, limit, slowness, level, relief, retries. Of a limit no move is missing, but those that together are less than a
	// fifth.
	Kind   string  `json:"kind"`
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	Reason string  `json:"reason"`
}

// Snapshot is the state of one Gate.
type Snapshot struct {
	Routes map[string]RouteSnapshot
	Groups []GroupSnapshot
	// Observe is set while the law decides and reports, and refuses nothing.
	Observe bool
	// Broken is what the controller died of; the gate lets everything pass since. "" while it lives.
	Broken string
}

// refusingFor is how long after its last refusal a route is shown as refusing.
const refusingFor = 2 * time.Second

// Snapshot copies the gate's state.
func (g *Gate) Snapshot() Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.controller.Snapshot(g.epoch)
	if why := g.broken.Load(); why != nil {
		s.Broken = *why
	}
	return s
}

// Snapshot copies the controller's state; epoch is the wall time of its zero.
func (c *Controller) Snapshot(epoch time.Time) Snapshot {
	s := Snapshot{Routes: make(map[string]RouteSnapshot, len(c.routes)), Observe: c.observing}
	for _, r := range c.routes {
		if r.asleep {
			c.makeUp(r)
		}
		r.look(c.latest, c.lost())
		s.Routes[r.Name()] = r.snapshot(c.latest, c.observing)
	}
	for _, group := range c.groups {
		s.Groups = append(s.Groups, group.snapshot(c.latest, epoch))
	}
	return s
}

// Entries gives the changes with a sequence number above after, oldest first.
func (g *Gate) Entries(after uint64) []Entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.controller.entries.after(after, g.epoch)
}

// shown is a limit as people and programs are told it: 0 for none.
func shown(limit float64) float64 {
	if math.IsInf(limit, 1) {
		return 0
	}
	return limit
}

func (r *Route) snapshot(now time.Duration, observe bool) RouteSnapshot {
	s := RouteSnapshot{InFlight: r.inFlight, Queued: r.queued, Baseline: r.base.Seconds(), RetryStorm: r.storm.on}
	if r.domain == &r.solo {
		s.Ceiling = shown(r.ceiling(now))
	}
	if r.known {
		s.Latency = r.x
	}
	s.Demand, s.Served = r.slots()
	s.Errors, _ = r.recentErrors()
	if r.domain.group != nil {
		s.Group = r.domain.group.name
	}
	if now-r.refusedAt < refusingFor && observe {
		s.WouldRefuse = r.refusing.String()
	} else if now-r.refusedAt < refusingFor {
		s.Refusing = r.refusing.String()
	}
	if r.relief.Looks() > 0 {
		s.Relief = &ReliefSnapshot{Looks: r.relief.Looks()}
		s.Relief.Gain, s.Relief.Error = r.relief.Mean(now)
		if r.culpritOf != nil {
			s.Relief.HeldAt, s.Relief.Of = r.cap, r.culpritOf.name
		}
	}
	return s
}

func (g *group) snapshot(now time.Duration, epoch time.Time) GroupSnapshot {
	s := GroupSnapshot{
		Name: g.name, Routes: names(g.routes), Since: epoch.Add(g.since), Limit: shown(g.limit), InFlight: g.inFlight, Queued: g.queue.Len(),
		Pressure: g.y / g.law.Scale, Slowness: g.law.Scale, State: g.law.Phase.String(), Reason: string(g.why), ShedFrom: -1,
	}
	for _, r := range g.routes {
		if r.refusing != Admitted && now-r.refusedAt < refusingFor && (s.ShedFrom < 0 || int(r.class) < s.ShedFrom) {
			s.ShedFrom = int(r.class)
		}
	}
	return s
}
