package facts

import (
	"math"
	"slices"
	"time"
)

// Facts are what a contender's configuration is made of.
type Facts struct {
	// Endpoints are the backend's URLs.
	Endpoints []string `json:"endpoints"`
	// Classes are the names of priorities, most important first.
	Classes []string `json:"classes"`
	Routes  []Route  `json:"routes"`
	// Patience is how long clients wait for an answer.
	Patience time.Duration `json:"patience"`
	// Observe says that nobody is to be refused but by a quota: what forwarding costs is measured.
	Observe bool `json:"observe,omitempty"`
	// Connections is how many may be open on each side.
	Connections int `json:"connections"`
	// Pools is what only somebody knows who has tuned by hand.
	Pools []Pool `json:"pools,omitempty"`
}

// Route is what everybody may know of a route.
type Route struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Class int    `json:"class"`
	Stage int    `json:"stage,omitempty"`
}

// Pool is what limits some routes together, as the backend knows it.
type Pool struct {
	Name string `json:"name"`
	// Size is how many requests it works on at once.
	Size int `json:"size"`
	// Routes are the names of those that need it.
	Routes []string `json:"routes"`
	// Critical is how many places the most important class needs when most is wanted of it.
	Critical float64 `json:"critical"`
	// Takes is how long it works on a request of another class, the mean.
	Takes time.Duration `json:"takes"`
}

// SpareRate is how many requests a minute the spare places serve.
func (p Pool) SpareRate() int {
	return max(1, int(math.Ceil(float64(p.Spare())*time.Minute.Seconds()/max(p.Takes, time.Millisecond).Seconds())))
}

// Burst is how many requests they serve in a share of a time.
func (p Pool) Burst(of time.Duration, share float64) int {
	return max(1, int(share*of.Minutes()*float64(p.SpareRate())))
}

// Spare is how many places are left for all but the most important class, at least one.
func (p Pool) Spare() int { return max(1, p.Size-int(math.Ceil(p.Critical))) }

// Share is a pool's size for each of the endpoints.
func (f Facts) Share(p Pool) int { return max(1, p.Size/max(len(f.Endpoints), 1)) }

// Pooled are the routes that need a pool, as the facts name them.
func (f Facts) Pooled(p Pool) (routes []Route) {
	for _, r := range f.Routes {
		if slices.Contains(p.Routes, r.Name) {
			routes = append(routes, r)
		}
	}
	return routes
}

// Loose are the routes that need no pool.
func (f Facts) Loose() (routes []Route) {
	for _, r := range f.Routes {
		if !slices.ContainsFunc(f.Pools, func(p Pool) bool { return slices.Contains(p.Routes, r.Name) }) {
			routes = append(routes, r)
		}
	}
	return routes
}
