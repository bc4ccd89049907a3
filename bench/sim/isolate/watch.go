package isolate

import (
	"slices"
	"time"

	"triage/bench/sim"
	"triage/proxy/incident/verdict"
	"triage/shed"
)

// lateFrom is the gap between two ticks from which on the process stood still, as in package shed.
const lateFrom = 250 * time.Millisecond

// endpointBehind is the upstream's name for its endpoints.
const backend = "backend"

// watched is the law with somebody who looks on.
type watched struct {
	*sim.Law
	facts sim.Facts
	tell  func(verdict.Second)

	second    verdict.Second
	routes    []verdict.RouteSeen
	endpoints []verdict.EndpointSeen
	since     time.Duration
	ticked    time.Duration
	seq       uint64
	sent      map[uint64]sent
}

// sent is a request that the backend has.
type sent struct {
	at       time.Duration
	endpoint int
}

func newWatched(f sim.Facts, tell func(verdict.Second)) (*watched, error) {
	law, err := sim.NewLaw(f)
	if err != nil {
		return nil, err
	}
	w := &watched{Law: law.(*sim.Law), facts: f, tell: tell, sent: map[uint64]sent{}}
	w.fresh()
	return w, nil
}

// fresh begins a second.
func (w *watched) fresh() {
	w.second, w.routes, w.endpoints = verdict.Second{}, nil, nil
	for _, r := range w.facts.Routes {
		w.routes = append(w.routes, verdict.RouteSeen{Name: r.Name, Upstream: backend})
	}
	for i := range max(w.facts.Endpoints, 1) {
		w.endpoints = append(w.endpoints, verdict.EndpointSeen{Upstream: backend, Name: string(rune('a' + i))})
	}
}

// Arrive counts what is offered and what is refused at once.
func (w *watched) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	v := w.Law.Arrive(now, r)
	w.routes[r.Route].Offered++
	if v == sim.Refuse {
		w.refused(r)
	}
	return v
}

// Woken counts what was refused after it had waited.
func (w *watched) Woken(now time.Duration) []sim.Woken {
	all := w.Law.Woken(now)
	for _, k := range all {
		if !k.Start {
			k.Request.Reason = k.Reason
			w.refused(k.Request)
		}
	}
	return all
}

// refused counts a refusal for want of room.
func (w *watched) refused(r *sim.Request) {
	if r.Reason != shed.Errors.String() {
		w.routes[r.Route].Refused++
	}
}

// Choose notes when and to which endpoint a request goes.
func (w *watched) Choose(now time.Duration, r *sim.Request) (endpoint int, ok bool) {
	endpoint, ok = w.Law.Choose(now, r)
	if !ok {
		return endpoint, ok
	}
	w.sent[r.ID<<8|uint64(r.Attempt)] = sent{now, endpoint}
	return endpoint, ok
}

// Done counts how it ended.
func (w *watched) Done(now time.Duration, r *sim.Request, o sim.Outcome) {
	w.Law.Done(now, r, o)
	key := r.ID<<8 | uint64(r.Attempt)
	s, known := w.sent[key]
	if !known {
		return
	}
	delete(w.sent, key)
	took := max(now-s.at, 0).Seconds()
	route, endpoint := &w.routes[r.Route], &w.endpoints[s.endpoint]
	switch o {
	case sim.Success:
		route.Answered++
		route.Took, route.Squares = route.Took+took, route.Squares+took*took
		endpoint.Answered++
		endpoint.Took, endpoint.Squares = endpoint.Took+took, endpoint.Squares+took*took
	case sim.Failure:
		route.Failed++
		endpoint.Failed++
	case sim.Timeout:
		route.TimedOut++
		endpoint.TimedOut++
	case sim.Abandoned:
		route.Left++
		route.Waited += took
		// An endpoint that lets clients leave has not answered them.
		endpoint.TimedOut++
	}
}

// Tick looks once a second.
func (w *watched) Tick(now time.Duration) {
	w.Law.Tick(now)
	if gap := now - w.ticked; w.ticked > 0 && gap > lateFrom {
		w.second.Late += gap - w.TickEvery()
	}
	w.ticked = now
	if now-w.since < time.Second {
		return
	}
	snapshot, entries := w.Look(w.seq)
	s := w.second
	s.At, s.Lasted, s.Routes, s.Endpoints = now, now-w.since, w.routes, w.endpoints
	for _, g := range snapshot.Groups {
		if g.ShedFrom >= 0 || slices.ContainsFunc(s.Routes, func(r verdict.RouteSeen) bool { return r.Refused > 0 && slices.Contains(g.Routes, r.Name) }) {
			s.Groups = append(s.Groups, g.Routes)
		}
	}
	for i := range s.Endpoints {
		s.Endpoints[i].Shut = w.EndpointShut(now, i)
	}
	for i := range s.Routes {
		s.Routes[i].Shut = w.RouteShut(now, i)
	}
	for _, e := range entries {
		w.seq = e.Seq
		if f, yes := verdict.Heard(e.Kind, e.Subject, e.Reason); yes {
			s.Found = append(s.Found, f)
		}
	}
	w.since = now
	w.tell(s)
	w.fresh()
}
