package peer

import (
	"math/rand/v2"

	"triage/bench/sim"
)

// Settings is what a peer is told before it starts.
type Settings struct {
	// Classes is the number of classes, 0 the most important; 0 means as many as Routes name, at least one.
	Classes int
	// Routes are the scenario's routes, in the order of sim.Request.Route.
	Routes []RouteInfo
	// Seed feeds every die.
	Seed uint64
	// Hand holds what only a human could know, by the names that Named.Doc gives; nil means nobody helped.
	Hand map[string]float64
}

// RouteInfo is what a configuration says of a route.
type RouteInfo struct {
	Name  string
	Class int
}

// Named is a peer that can be chosen by name.
type Named struct {
	Name string
	// Doc is a line for people; it names the keys of Settings.Hand that the peer reads.
	Doc string
	New func(Settings) sim.Policy
}

// All gives every peer, the simplest first.
func All() []Named {
	return []Named{
		{"none", "no protection: everything runs", NewNone},
		{"static", "a fixed concurrency limit, set by hand; hand: limit (64), limit:ROUTE (none)", NewStatic},
		{"envoy-ac", "Envoy adaptive_concurrency, gradient controller, values of its documentation", NewEnvoyAC},
		{"envoy-adm", "Envoy admission_control, default values", NewEnvoyADM},
		{"gradient2", "Netflix Gradient2 with a partition a class; hand: share:CLASS (share:0 is 1, the others 0)", NewGradient2},
		{"dagor", "WeChat DAGOR at a sidecar: latency above baseline stands for queuing time", NewDagor},
		{"cinnamon", "Uber Cinnamon: PI rejector, priority queue, auto-tuned limit; hand: queue_timeout (0.25 s)", NewCinnamon},
		{"failsafe", "failsafe-go's priority limiter, re-implemented from its source", NewFailsafe},
	}
}

// classes is the number of classes in use.
func (s Settings) classes() int {
	n := max(s.Classes, 1)
	for _, r := range s.Routes {
		n = max(n, r.Class+1)
	}
	return n
}

// hand gives a human's value, or what a human who does not know would leave.
func (s Settings) hand(key string, otherwise float64) float64 {
	if v, ok := s.Hand[key]; ok {
		return v
	}
	return otherwise
}

// dice gives each peer its own stream, so that adding a peer does not change another's run.
func (s Settings) dice(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(s.Seed, stream)) }

// clampClass keeps a class inside the known ones; an unknown class is the least important.
func clampClass(class, classes int) int {
	if class < 0 || class >= classes {
		return classes - 1
	}
	return class
}
