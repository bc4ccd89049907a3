package without

import (
	"maps"
	"time"

	"triage/proxy/incident/verdict"
)

// Range is about a number of requests.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func (r Range) plus(o Range) Range { return Range{r.Low + o.Low, r.High + o.High} }

func exactly(n float64) Range { return Range{n, n} }

// Route is what was and what would have been, in requests.
type Route struct {
	Offered float64 `json:"offered"`
	// Served is with protection, Without without it.
	Served  float64 `json:"served"`
	Without Range   `json:"without"`
	// Known is false if it cannot be said.
	Known bool `json:"known"`
}

// Plus adds another route, or another time.
func (r Route) Plus(o Route) Route {
	return Route{r.Offered + o.Offered, r.Served + o.Served, r.Without.plus(o.Without), r.Known && o.Known}
}

// Estimator estimates. The zero value, with a Patience, is ready.
type Estimator struct {
	// Patience is how long a request may wait, by upstream: its timeout, if clients do not leave sooner. Of others 2 s.
	Patience map[string]time.Duration

	base   map[string]mean  // while nothing is wrong
	queues map[string]queue // by upstream
	routes map[string]Route
}

// mean is of the time to the answer, in seconds; it forgets with a half-life of two minutes.
type mean struct{ sum, n float64 }

const (
	usualPatience = 2 * time.Second
	forget        = 0.9942 // a second: half in two minutes
	enough        = 20     // answers that make a mean
)

// queue is the one that protection kept short.
type queue struct {
	members  map[string]bool
	work     Range   // backlog; Low is that of a backend that works on for nobody, High of one that stops
	capacity float64 // the last known one, per second
}

// Begin forgets what has been counted, not what was learned: an incident begins.
func (e *Estimator) Begin() { e.routes, e.queues = nil, nil }

// Routes gives what has been estimated since Begin.
func (e *Estimator) Routes() map[string]Route { return maps.Clone(e.routes) }

// Look takes in a second.
func (e *Estimator) Look(s verdict.Second) {
	if e.base == nil {
		e.base = map[string]mean{}
	}
	if e.routes == nil {
		e.routes, e.queues = map[string]Route{}, map[string]queue{}
	}
	if calm(s) {
		e.learn(s)
	}
	for _, upstream := range upstreams(s) {
		e.upstream(upstream, s)
	}
}

// calm reports whether nothing is given up and hardly anything fails.
func calm(s verdict.Second) bool {
	bad, all := 0, 0
	for _, r := range s.Routes {
		if r.Refused > 0 || r.Shut {
			return false
		}
		bad, all = bad+r.Failed+r.TimedOut, all+r.Offered
	}
	return len(s.Groups) == 0 && 50*bad <= all
}

func (e *Estimator) learn(s verdict.Second) {
	for _, r := range s.Routes {
		m := e.base[r.Name]
		e.base[r.Name] = mean{m.sum*forget + r.Took, m.n*forget + float64(r.Answered)}
	}
}

func upstreams(s verdict.Second) (names []string) {
	seen := map[string]bool{}
	for _, r := range s.Routes {
		if !seen[r.Upstream] {
			names = append(names, r.Upstream)
		}
		seen[r.Upstream] = true
	}
	return names
}

// upstream takes in one upstream's part of a second.
func (e *Estimator) upstream(name string, s verdict.Second) {
	q := e.queues[name]
	q.join(name, s)
	served, known := q.step(e, name, s)
	e.queues[name] = q
	lost := shutShare(name, s)
	for _, r := range s.Routes {
		if r.Upstream != name || r.Offered == 0 {
			continue
		}
		now := Route{Offered: float64(r.Offered), Served: float64(min(r.Answered, r.Offered)), Known: true}
		now.Without = exactly(now.Served)
		switch {
		case r.Shut:
			now.Without, now.Known = passing(r)
		case q.members[r.Name]:
			now.Without, now.Known = served.of(r), known
		}
		now.Without = now.Without.times(1 - lost)
		if was, ok := e.routes[r.Name]; ok {
			now = now.Plus(was)
		}
		e.routes[r.Name] = now
	}
}

// of is what a share of a route's requests is. What the backend spoils whatever waits is spoilt in any queue.
func (share Range) of(r verdict.RouteSeen) Range {
	well := 1.0
	if had := r.Answered + r.Failed; had > 0 {
		well = float64(r.Answered) / float64(had)
	}
	return share.times(float64(r.Offered) * well)
}

func (r Range) times(x float64) Range { return Range{r.Low * x, r.High * x} }

// passing is what a route would have served whose breaker is not closed, by what became of those that it let pass.
func passing(r verdict.RouteSeen) (Range, bool) {
	had := r.Answered + r.Failed + r.TimedOut
	if had == 0 {
		return Range{0, float64(r.Offered)}, true
	}
	return exactly(float64(r.Offered) * float64(r.Answered) / float64(had)), true
}

// shutShare is the part of an upstream's endpoints that is shut.
func shutShare(upstream string, s verdict.Second) float64 {
	shut, all := 0.0, 0.0
	for _, p := range s.Endpoints {
		if p.Upstream != upstream {
			continue
		}
		all++
		if p.Shut {
			shut++
		}
	}
	if shut == all {
		return 0 // all are used then
	}
	return shut / all
}
