package record

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Fate is what became of an attempt.
type Fate uint8

// The fates.
const (
	Served   Fate = iota
	Degraded      // an answer, but a lesser one
	Refused       // somebody in front of the backend said no
	Failed        // an error, a broken answer, or never sent
	GaveUp        // failed: nothing by the client's deadline
	Aborted       // the run ended first
)

// Event is an attempt that has ended. Times are since the beginning of the run.
type Event struct {
	// Route is a place in Plan.Routes.
	Route int
	// At is the instant at which it was to be sent, Ended when it ended.
	At, Ended time.Duration
	// Before is how long before At its user first wanted it: 0 in a first attempt.
	Before time.Duration
	Fate   Fate
	// Reason is the word of whoever refused or degraded it.
	Reason string
	// Again is set if its user tries again: what becomes of the wish is not known yet.
	Again bool
}

// Plan is what a Collector has to know before a run.
type Plan struct {
	Routes []RouteClass
	Phases []Phase
	// Lasts is the run's length; what is wanted later is not counted.
	Lasts time.Duration
}

// RouteClass is a route's name and its class.
type RouteClass struct{ Name, Class string }

// Collector makes a run's series out of its attempts. It may be told by several goroutines at once.
type Collector struct {
	plan    Plan
	seconds int

	mu      sync.Mutex
	routes  []Route
	answers map[string][][]uint32 // by class: latencies in µs, for each second
	phases  map[string][]Histogram
	flight  *Flight
}

// NewCollector makes one for a run.
func NewCollector(p Plan) (*Collector, error) {
	if p.Lasts <= 0 || p.Lasts > 24*time.Hour {
		return nil, fmt.Errorf("a run of %v: want more than 0, at most 24h", p.Lasts)
	}
	c := &Collector{
		plan: p, seconds: int(math.Ceil(p.Lasts.Seconds())), answers: map[string][][]uint32{}, phases: map[string][]Histogram{},
		flight: NewFlight(p.Lasts),
	}
	for _, r := range p.Routes {
		c.routes = append(c.routes, Route{
			Name: r.Name, Class: r.Class, Offered: c.series(), Served: c.series(), Degraded: c.series(), Refused: c.series(), Failed: c.series(),
			Aborted: c.series(), Attempts: c.series(), Reasons: map[string][]int{},
		})
		c.answers[r.Class] = make([][]uint32, c.seconds)
		c.phases[r.Class] = make([]Histogram, len(p.Phases))
	}
	return c, nil
}

func (c *Collector) series() []int { return make([]int, c.seconds) }

// Add counts an attempt.
func (c *Collector) Add(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.routes[e.Route]
	if arose := e.At - e.Before; arose < c.plan.Lasts {
		r.wish(e, int(max(arose, 0)/time.Second))
	}
	if e.At >= c.plan.Lasts {
		return
	}
	second := int(max(e.At, 0) / time.Second)
	r.Attempts[second]++
	if e.Fate == Refused || e.Fate == Degraded {
		reason := e.Reason
		if reason == "" {
			reason = "no reason given"
		}
		if r.Reasons[reason] == nil {
			r.Reasons[reason] = c.series()
		}
		r.Reasons[reason][second]++
	}
	if e.Fate == Served || e.Fate == Degraded || e.Fate == GaveUp {
		c.answeredLocked(r.Class, second, e)
	}
	c.flight.Add(e.At, e.Ended)
}

func (c *Collector) answeredLocked(class string, second int, e Event) {
	latency := max(e.Ended-e.At, time.Microsecond)
	c.answers[class][second] = append(c.answers[class][second], uint32(min(latency.Microseconds(), math.MaxUint32)))
	for i, p := range c.plan.Phases {
		if at := e.At.Seconds(); at >= p.From && at < p.To {
			c.phases[class][i].Add(latency)
		}
	}
}

// wish counts what a user wanted: when it was first tried, and when it is known what became of it.
func (r *Route) wish(e Event, second int) {
	if e.Before == 0 {
		r.Offered[second]++
	}
	if e.Again {
		return
	}
	switch e.Fate {
	case Served:
		r.Served[second]++
	case Degraded:
		r.Degraded[second]++
	case Refused:
		r.Refused[second]++
	case Failed, GaveUp:
		r.Failed[second]++
	case Aborted:
		r.Aborted[second]++
	}
}

// Into puts what was collected until an instant into a run: routes, latencies, histograms, and the gauge of requests in flight. Once.
func (c *Collector) Into(t *Trial, until time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(c.seconds, int(math.Ceil(until.Seconds())))
	for _, r := range c.routes {
		r.Offered, r.Attempts = r.Offered[:n], r.Attempts[:n]
		for _, s := range []*[]int{&r.Served, &r.Degraded, &r.Refused, &r.Failed, &r.Aborted} {
			if *s = (*s)[:n]; !slices.ContainsFunc(*s, func(n int) bool { return n != 0 }) {
				*s = nil
			}
		}
		for reason, s := range r.Reasons {
			r.Reasons[reason] = s[:n]
		}
		t.Routes = append(t.Routes, r)
	}
	for _, class := range c.classes() {
		t.Latencies = append(t.Latencies, percentiles(class, c.answers[class][:n]))
		for phase, h := range c.phases[class] {
			if h.Count() > 0 {
				t.Histograms = append(t.Histograms, Interval{class, phase, h})
			}
		}
	}
	t.Gauges = append(t.Gauges, c.flight.Gauge(InFlight, until))
}

// classes are in the order in which the routes name them.
func (c *Collector) classes() (names []string) {
	for _, r := range c.plan.Routes {
		if !slices.Contains(names, r.Class) {
			names = append(names, r.Class)
		}
	}
	return names
}

// percentiles of each second, exact: the smallest value that is not exceeded by that share.
func percentiles(class string, seconds [][]uint32) Latency {
	l := Latency{Class: class}
	for _, all := range seconds {
		slices.Sort(all)
		at := func(q float64) int {
			if len(all) == 0 {
				return 0
			}
			return int(all[max(int(math.Ceil(q*float64(len(all)))), 1)-1])
		}
		l.P50, l.P90, l.P99, l.Max = append(l.P50, at(0.5)), append(l.P90, at(0.9)), append(l.P99, at(0.99)), append(l.Max, at(1))
	}
	return l
}
