package sim

import (
	"fmt"
	"net/url"
	"time"

	"triage/breaker"
	"triage/proxy/upstream"
	"triage/shed"
)

// breakers are those of one sidecar, one a route and one an endpoint, with the choice between the endpoints: the code that package
// proxy runs, in the simulator's time.
type breakers struct {
	routes    []*breaker.Circuit
	endpoints []*breaker.Circuit
	pool      *upstream.Pool
	dice      *dice
	classes   int
	spent     int // critical requests that were probes
	observe   bool

	// The request that an endpoint is being chosen for.
	now    time.Duration
	cost   breaker.Cost
	usable func(*upstream.Endpoint) bool
}

// passes are what a request holds while it is with the backend.
type passes struct {
	at              *upstream.Endpoint
	route, endpoint breaker.Permit
}

func newBreakers(f Facts, observe bool) (*breakers, error) {
	b := &breakers{dice: newDice(mix(f.Seed, 1)), classes: f.Classes, observe: observe}
	b.usable = func(e *upstream.Endpoint) bool { return b.endpoints[e.Index].Ready(b.now, b.cost) }
	for _, r := range f.Routes {
		c, err := breaker.NewCircuit(breaker.Settings{Name: r.Name, Dice: b.dice.Float64}.ForRoute(r.Class == 0, f.Timeout))
		if err != nil {
			return nil, err
		}
		b.routes = append(b.routes, c)
	}
	s := upstream.Settings{Name: "backend"}
	for i := range max(f.Endpoints, 1) {
		host := fmt.Sprintf("endpoint-%d", i)
		s.Endpoints = append(s.Endpoints, upstream.EndpointSettings{URL: &url.URL{Scheme: "http", Host: host}})
		c, err := breaker.NewCircuit(breaker.Settings{Name: host, Dice: b.dice.Float64}.ForEndpoint(f.Timeout))
		if err != nil {
			return nil, err
		}
		b.endpoints = append(b.endpoints, c)
	}
	var err error
	b.pool, err = upstream.New(s)
	return b, err
}

// choose asks the route's breaker and finds the endpoint; ok is false if the route is not worth calling now. Who only observes calls it
// all the same.
func (b *breakers) choose(now time.Duration, r *Request) (p passes, ok bool) {
	b.now, b.cost = now, breaker.CostOf(r.Class, b.classes, r.Unsafe)
	if p.route, ok = b.routes[r.Route].Allow(now, b.cost); !ok && !b.observe {
		return p, false
	}
	p.at, _ = b.pool.Pick(b.dice.Uint64(), b.usable)
	p.endpoint, _ = b.endpoints[p.at.Index].Allow(now, b.cost)
	p.at.Begin()
	if r.Class == 0 && (p.route.Probe() || p.endpoint.Probe() && b.elsewhere(p.at)) {
		b.spent++
	}
	return p, ok
}

// elsewhere reports whether there was another endpoint to go to: only then is a probe a sacrifice.
func (b *breakers) elsewhere(at *upstream.Endpoint) bool {
	for i, c := range b.endpoints {
		if i != at.Index && c.State(b.now) == breaker.Closed {
			return true
		}
	}
	return false
}

// done tells both breakers.
func (b *breakers) done(now time.Duration, r *Request, p passes, o Outcome) {
	if p.at == nil {
		return
	}
	verdict := breaker.Ignored // what its client gave up
	switch o {
	case Success:
		verdict = breaker.Success
	case Failure, Timeout:
		verdict = breaker.Failure
	}
	p.at.End()
	b.routes[r.Route].Done(now, p.route, verdict)
	b.endpoints[p.at.Index].Done(now, p.endpoint, verdict)
}

// entries gives the changes of all breakers, as package proxy writes them down.
func (b *breakers) entries(epoch time.Time) (entries []shed.Entry) {
	place := map[breaker.State]float64{breaker.Closed: 0, breaker.HalfOpen: 0.5, breaker.Open: 1}
	for _, c := range append(b.routes[:len(b.routes):len(b.routes)], b.endpoints...) {
		for _, ch := range c.Changes() {
			entries = append(entries, shed.Entry{
				Time: epoch.Add(ch.At), Kind: "breaker", Subject: ch.Name, From: place[ch.From], To: place[ch.To],
				Reason: fmt.Sprintf("%s: %s", ch.To, ch.Reason),
			})
		}
	}
	return entries
}
