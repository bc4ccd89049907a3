package console

import (
	"time"

	"triage/proxy"
	"triage/proxy/incident"
)

const (
	// pointsKept is how much is shown to whoever comes later: ten minutes.
	pointsKept = 600
	// recentOver is the number of looks over which a route is shown: one second alone is jumpy.
	recentOver = 10
)

// Point is one second of the proxy.
type Point struct {
	// At is in milliseconds since 1970, Lasted in seconds.
	At     int64   `json:"at"`
	Lasted float64 `json:"lasted"`
	// Classes are the requests that ended.
	Classes map[string]incident.Counts `json:"classes"`
	// Limit is that of all groups together, 0 while there is none; Held is what is in flight below it, InFlight what is of all routes.
	Limit    float64 `json:"limit"`
	Held     int     `json:"held"`
	InFlight int     `json:"in_flight"`
	Queued   int     `json:"queued"`
}

// trail remembers points, and counts of routes. One goroutine adds; who reads holds the console's lock.
type trail struct {
	points []Point
	totals []total // the newest recentOver+1
}

type total struct {
	at     time.Time
	routes map[string]incident.Counts
}

// add takes in what is seen at an instant and gives the second's point; the very first gives none.
func (t *trail) add(s proxy.Snapshot, routes map[string]incident.Counts) (p Point, ok bool) {
	t.totals = append(t.totals, total{s.Time, routes})
	if len(t.totals) == 1 {
		return p, false
	}
	before := t.totals[len(t.totals)-2]
	t.totals = t.totals[max(0, len(t.totals)-recentOver-1):]
	p = Point{At: s.Time.UnixMilli(), Lasted: s.Time.Sub(before.at).Seconds(), Classes: map[string]incident.Counts{}}
	for _, r := range s.Routes {
		p.Classes[r.Priority] = plus(p.Classes[r.Priority], since(routes[r.Name], before.routes[r.Name]))
		p.InFlight += r.Shed.InFlight
		p.Queued += r.Shed.Queued
	}
	for _, u := range s.Upstreams {
		for _, g := range u.Groups {
			p.Limit += g.Limit
			p.Held += g.InFlight
		}
	}
	t.points = append(t.points, p)
	if len(t.points) == 2*pointsKept {
		t.points = append(t.points[:0], t.latest()...)
	}
	return p, true
}

// latest are the points that are kept.
func (t *trail) latest() []Point { return t.points[max(0, len(t.points)-pointsKept):] }

// recent is what became of the routes' requests lately, and in how many seconds.
func (t *trail) recent() (routes map[string]incident.Counts, seconds float64) {
	routes = map[string]incident.Counts{}
	if len(t.totals) < 2 {
		return routes, 0
	}
	first, last := t.totals[0], t.totals[len(t.totals)-1]
	for name, c := range last.routes {
		routes[name] = since(c, first.routes[name])
	}
	return routes, last.at.Sub(first.at).Seconds()
}

func plus(a, b incident.Counts) incident.Counts {
	return incident.Counts{Served: a.Served + b.Served, Degraded: a.Degraded + b.Degraded, Refused: a.Refused + b.Refused, Failed: a.Failed + b.Failed}
}

// since is what came after before. What is counted anew counts from nothing.
func since(now, before incident.Counts) incident.Counts {
	if now.Served < before.Served || now.Degraded < before.Degraded || now.Refused < before.Refused || now.Failed < before.Failed {
		return now
	}
	return incident.Counts{Served: now.Served - before.Served, Degraded: now.Degraded - before.Degraded, Refused: now.Refused - before.Refused, Failed: now.Failed - before.Failed}
}
