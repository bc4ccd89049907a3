package peer

import (
	"time"

	"triage/bench/sim"
)

// staticLimit is what somebody who has not measured would write down. Ours: every product leaves it to the operator (Traefik's
// inFlightReq.amount and nginx's limit_conn have no default).
const staticLimit = 64

// Static is a fixed concurrency limit over all routes, with optional ones per route, no queue and no priorities: Traefik's
// inFlightReq, nginx's limit_conn, Envoy's max_requests. Left out: HAProxy's queue at a server's maxconn.
type Static struct {
	immediate
	limit  int
	routes []staticRoute
}

type staticRoute struct {
	limit    int
	inFlight int
}

// NewStatic makes a fixed limit. Hand "limit" is the number for all routes together, "limit:ROUTE" the number for one; a
// number below 1 takes that limit away.
func NewStatic(s Settings) sim.Policy {
	p := &Static{limit: int(s.hand("limit", staticLimit)), routes: make([]staticRoute, len(s.Routes))}
	for i, r := range s.Routes {
		p.routes[i].limit = int(s.hand("limit:"+r.Name, 0))
	}
	return p
}

// Arrive runs the request if both limits have room.
func (p *Static) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	if p.limit > 0 && p.inFlight >= p.limit {
		return refuse(r, "limit")
	}
	if route := p.route(r); route != nil {
		if route.limit > 0 && route.inFlight >= route.limit {
			return refuse(r, "route_limit")
		}
		route.inFlight++
	}
	return p.run(now, r)
}

// Done gives the slots back.
func (p *Static) Done(now time.Duration, r *sim.Request, _ sim.Outcome) {
	if _, _, ok := p.end(now, r); !ok {
		return
	}
	if route := p.route(r); route != nil {
		route.inFlight--
	}
}

// Limit is the limit of all routes together.
func (p *Static) Limit() float64 { return float64(p.limit) }

func (p *Static) route(r *sim.Request) *staticRoute {
	if r.Route < 0 || r.Route >= len(p.routes) {
		return nil
	}
	return &p.routes[r.Route]
}
