package proxy

import (
	"cmp"
	"slices"
	"time"

	"triage/shed"
)

// Snapshot is everything `triage status` shows: a copy, taken without stopping the way of a request. Durations are in
// seconds in JSON, so that no reader has to guess a unit.
type Snapshot struct {
	Time       time.Time          `json:"time"`
	Draining   bool               `json:"draining"`
	Priorities []string           `json:"priorities"`
	Routes     []RouteSnapshot    `json:"routes"`
	Upstreams  []UpstreamSnapshot `json:"upstreams"`
}

// ClassOf gives a route's class, 0 the most important; -1 if there is no such route.
func (s Snapshot) ClassOf(route string) int {
	for i := range s.Routes {
		if s.Routes[i].Name == route {
			return slices.Index(s.Priorities, s.Routes[i].Priority)
		}
	}
	return -1
}

// RouteSnapshot is one route's state.
type RouteSnapshot struct {
	Name     string `json:"name"`
	Priority string `json:"priority"`
	Upstream string `json:"upstream"`
	// Breaker is closed, half-open or open.
	Breaker string `json:"breaker"`
	// RetryIn is how long an open breaker stays open, in seconds.
	RetryIn float64 `json:"retry_in_seconds,omitempty"`
	// Buckets has one entry a configured rate limit, in the order of the configuration.
	Buckets []BucketSnapshot `json:"buckets,omitempty"`
	// Hand is what is set by hand.
	Hand HandSettings `json:"hand,omitzero"`
	// Shed is what the control law knows of the route.
	Shed shed.RouteSnapshot `json:"shed"`
}

// BucketSnapshot is the state of one rate limit.
type BucketSnapshot struct {
	// Per is what the limit is counted by: route, client_ip, header:NAME or cookie:NAME.
	Per string `json:"per"`
	// Keys is how many keys the table holds, Capacity how many it can.
	Keys     int `json:"keys"`
	Capacity int `json:"capacity"`
	// Tokens is what is left in the bucket of a limit per route, -1 for a limit per key.
	Tokens float64 `json:"tokens"`
	// Overflow counts requests that shared the overflow bucket because the table was full of active keys.
	Overflow uint64 `json:"overflow_total"`
}

// UpstreamSnapshot is one upstream's state.
type UpstreamSnapshot struct {
	Name string `json:"name"`
	// Mode is enforce, or observe: then nothing is refused.
	Mode      string             `json:"mode"`
	Endpoints []EndpointSnapshot `json:"endpoints"`
	// Groups are the sets of routes that suffer together at the moment; none while nothing is wrong.
	Groups []shed.GroupSnapshot `json:"groups"`
	// Demand has one entry a class that has routes, most important first.
	Demand []DemandSnapshot `json:"demand"`
	// Panic is set while every endpoint is ejected and ejection is ignored for that reason.
	Panic bool `json:"panic"`
	// Broken is what the control law of this upstream died of, "" while it lives; everything passes since.
	Broken string `json:"broken,omitempty"`
}

// DemandSnapshot is what the users of an upstream's routes of one class ask for, and get: numbers of concurrent requests.
type DemandSnapshot struct {
	Priority string `json:"priority"`
	// Demand counts refused requests as if they had been served, Served only those that were.
	Demand float64 `json:"demand_concurrency"`
	Served float64 `json:"served_concurrency"`
}

// EndpointSnapshot is one endpoint's state.
type EndpointSnapshot struct {
	URL      string `json:"url"`
	Zone     string `json:"zone,omitempty"`
	Version  string `json:"version,omitempty"`
	InFlight int64  `json:"in_flight"`
	// Breaker is closed, half-open or open.
	Breaker string `json:"breaker"`
	// Drained is set while it gets no new requests, by hand.
	Drained bool `json:"drained,omitempty"`
}

// Snapshot copies the proxy's state.
func (p *Proxy) Snapshot() Snapshot {
	t := p.table.Load()
	s := Snapshot{Time: time.Now(), Draining: p.Draining(), Priorities: t.priorities}
	gates := map[string]shed.Snapshot{}
	for _, name := range t.order {
		up := t.upstreams[name]
		gate := up.gate.Snapshot()
		gates[name] = gate
		us := UpstreamSnapshot{Name: name, Demand: t.demand(up, gate), Mode: modeOf(gate.Observe), Groups: gate.Groups, Panic: up.panicking.Load(), Broken: gate.Broken}
		for _, e := range up.pool.Endpoints() {
			es := e.Settings()
			us.Endpoints = append(us.Endpoints, EndpointSnapshot{URL: e.URL().String(), Zone: es.Zone, Version: es.Version, InFlight: e.InFlight(), Breaker: up.breakers[e.Index].State().String(), Drained: es.Drained})
		}
		s.Upstreams = append(s.Upstreams, us)
	}
	for _, r := range t.routes {
		s.Routes = append(s.Routes, r.snapshot(gates[r.settings.Upstream]))
	}
	return s
}

// demand adds up an upstream's routes by class.
func (t *table) demand(up *upstreamState, gate shed.Snapshot) (demand []DemandSnapshot) {
	for class, priority := range t.priorities {
		d, used := DemandSnapshot{Priority: priority}, false
		for _, r := range up.routes {
			if r.settings.Class == class {
				s := gate.Routes[r.settings.Rule.Name]
				d.Demand, d.Served, used = d.Demand+s.Demand, d.Served+s.Served, true
			}
		}
		if used {
			demand = append(demand, d)
		}
	}
	return demand
}

func modeOf(observe bool) string {
	if observe {
		return "observe"
	}
	return "enforce"
}

func (r *routeState) snapshot(gate shed.Snapshot) RouteSnapshot {
	s := RouteSnapshot{
		Hand: r.settings.Hand,
		Name: r.settings.Rule.Name, Priority: r.priority, Upstream: r.settings.Upstream,
		Breaker: r.breaker.State().String(), RetryIn: r.breaker.RetryIn().Seconds(), Shed: gate.Routes[r.settings.Rule.Name],
	}
	for _, l := range r.limits {
		b := l.bucket.Snapshot()
		s.Buckets = append(s.Buckets, BucketSnapshot{Per: l.settings.Per, Keys: b.Keys, Capacity: b.Capacity, Tokens: b.Tokens, Overflow: b.Overflow})
	}
	return s
}

// Entries gives the changes that the control laws and the breakers of all upstreams made after the one with that number, oldest
// first.
func (p *Proxy) Entries(after uint64) []shed.Entry {
	t := p.table.Load()
	all := p.changes.after(after)
	for _, name := range t.order {
		for _, e := range t.upstreams[name].gate.Entries(after) {
			e.Upstream = name
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b shed.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return all
}
