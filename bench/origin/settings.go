package origin

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"triage/bench/chance"
)

const (
	defaultMaxWaiters    = 10_000
	defaultMaxContention = 10
	// maxBody bounds what one route keeps in memory as its response body, in bytes.
	maxBody      = 16 << 20
	maxEndpoints = 1000
)

// Settings describes an Origin. At least one route is needed.
type Settings struct {
	// Seed makes service times and errors repeatable.
	Seed   uint64
	Pools  []PoolSettings
	Routes []RouteSettings
	// MaxWaiters bounds the requests that wait for a slot, or share a processor, all pools together; 0 means 10,000.
	MaxWaiters int
	// Endpoints is the number of equal instances behind different addresses; 0 means 1.
	Endpoints int
	// Abandon lets the backend stop working for a client that has left.
	Abandon bool
	// Records is how many requests are recorded one by one; 0 means none.
	Records int
}

// PoolSettings describes a resource that requests of one or more routes share.
type PoolSettings struct {
	Name string
	// Size is the number of requests it serves at once, at least 1.
	Size int
	// Processor lets it serve everybody at once; above Size (cores) each gets its share of them.
	Processor bool
	// Contention is by how much of itself a service grows per waiter and slot; 0 means none.
	Contention float64
	// MaxContention is the number of waiters per slot beyond which it grows no further; 0 means 10.
	MaxContention float64
	// Bound is the number of waiters above which it answers 503 at once; 0 means none. Not for a processor.
	Bound int
	// Patience is how long a request may wait in it, after which it is answered 503; 0 means for ever. Not for a processor.
	Patience time.Duration
	// LeaveQueue lets a waiter whose client has left go before it gets a slot.
	LeaveQueue bool
	// Pause makes it stand still now and then, as a garbage collector does, while Play runs.
	Pause Pause
	// Seed draws the pauses.
	Seed uint64
	// PerEndpoint gives each endpoint one of its own.
	PerEndpoint bool
}

// Pause is a stall that comes back: after a gap of 0.5 to 1.5 times Every for the time For. The zero value is none.
type Pause struct{ Every, For time.Duration }

// RouteSettings describes what the backend does for one path.
type RouteSettings struct {
	Name string
	// Path is "/x" for exactly that, or "/x/*" for everything below "/x/". The longest match wins, exact before prefix.
	Path string
	// Pool names the pool a request takes its service in; "" means none: it takes its time, but waits for nobody.
	Pool string
	// Service is the mean service time.
	Service time.Duration
	// Sigma is the spread of the lognormal service time; 0 means constant.
	Sigma float64
	// Steps, if there are any, are done one after the other instead of what Pool, Service and Sigma say.
	Steps []StepSettings
	// ErrorShare is the share of requests, 0 to 1, answered 500 at once, without service, until Fail says otherwise.
	ErrorShare float64
	// Body is the number of bytes in the response body of a request that is served.
	Body int
}

// StepSettings is work on one resource.
type StepSettings struct {
	// Pool names it; "" means none.
	Pool    string
	Service chance.Service
	// Cache stands in front of it.
	Cache Cache
}

// Cache makes a share of requests take no time: Hit·filled/Entries. It fills with what misses bring, each of which adds
// 1 − filled/Entries; it begins warm. The zero value is none.
type Cache struct {
	Hit     float64 // share of hits when warm, below 1
	Entries float64
}

// steps is the route's work in the one form that there is inside.
func (r RouteSettings) steps() []StepSettings {
	if len(r.Steps) > 0 {
		return r.Steps
	}
	s := chance.Service{Mean: r.Service}
	if r.Sigma > 0 {
		s.Law, s.Shape = chance.Lognormal, r.Sigma
	}
	return []StepSettings{{Pool: r.Pool, Service: s}}
}

func (s Settings) check() error {
	var problems []error
	pools := map[string]bool{"": true}
	for i, p := range s.Pools {
		if err := p.check(); err != nil {
			problems = append(problems, fmt.Errorf("pool %d (%q): %w", i, p.Name, err))
		}
		if p.Name != "" && pools[p.Name] {
			problems = append(problems, fmt.Errorf("pool %d: the name %q is taken", i, p.Name))
		}
		pools[p.Name] = true
	}
	problems = append(problems, checkRoutes(s.Routes, pools)...)
	if s.Endpoints < 0 || s.Endpoints > maxEndpoints || s.Records < 0 {
		problems = append(problems, fmt.Errorf("%d endpoints, %d records: want 0 or more, at most %d endpoints", s.Endpoints, s.Records, maxEndpoints))
	}
	if s.MaxWaiters < 0 {
		problems = append(problems, fmt.Errorf("max waiters is %d: want a positive number, or 0 for %d", s.MaxWaiters, defaultMaxWaiters))
	}
	return errors.Join(problems...)
}

func checkRoutes(routes []RouteSettings, pools map[string]bool) []error {
	var problems []error
	if len(routes) == 0 {
		problems = append(problems, errors.New("no routes: want at least one"))
	}
	names, paths := map[string]bool{}, map[string]bool{}
	for i, r := range routes {
		fail := func(err error) { problems = append(problems, fmt.Errorf("route %d (%q): %w", i, r.Name, err)) }
		if err := r.check(); err != nil {
			fail(err)
		}
		if names[r.Name] {
			fail(errors.New("the name is taken"))
		}
		if paths[r.Path] {
			fail(fmt.Errorf("the path %q is taken", r.Path))
		}
		for _, st := range r.steps() {
			if !pools[st.Pool] {
				fail(fmt.Errorf("there is no pool %q", st.Pool))
			}
		}
		names[r.Name], paths[r.Path] = true, true
	}
	return problems
}

func (p PoolSettings) check() error {
	switch {
	case p.Name == "":
		return errors.New("no name")
	case p.Size < 1:
		return fmt.Errorf("size is %d: want at least 1", p.Size)
	case !finite(p.Contention):
		return fmt.Errorf("contention is %v: want 0 or more", p.Contention)
	case !finite(p.MaxContention):
		return fmt.Errorf("max contention is %v: want 0 or more", p.MaxContention)
	case p.Bound < 0 || p.Patience < 0 || p.Processor && (p.Bound > 0 || p.Patience > 0):
		return fmt.Errorf("bound %d, patience %v: want 0 or more, and of a processor 0", p.Bound, p.Patience)
	case p.Pause.For < 0 || p.Pause.Every < 0 || p.Pause.Every > 0 && p.Pause.Every < time.Millisecond:
		return fmt.Errorf("pauses of %v every %v: want a millisecond between them at least", p.Pause.For, p.Pause.Every)
	}
	return nil
}

func (r RouteSettings) check() error {
	switch {
	case r.Name == "":
		return errors.New("no name")
	case !strings.HasPrefix(r.Path, "/") || strings.Contains(strings.TrimSuffix(r.Path, "/*"), "*"):
		return fmt.Errorf("path is %q: want /x or /x/*", r.Path)
	case r.Service < 0:
		return fmt.Errorf("service is %v: want 0 or more", r.Service)
	case !finite(r.Sigma) || r.Sigma > 5:
		return fmt.Errorf("sigma is %v: want 0 to 5", r.Sigma)
	case r.Body < 0 || r.Body > maxBody:
		return fmt.Errorf("body is %d bytes: want 0 to %d", r.Body, maxBody)
	}
	for _, st := range r.steps() {
		if err := st.Service.Check(); err != nil {
			return err
		}
		if !(st.Cache.Hit >= 0 && st.Cache.Hit < 1) || !finite(st.Cache.Entries) {
			return fmt.Errorf("a cache with %v hits and %v entries: want a share below 1", st.Cache.Hit, st.Cache.Entries)
		}
	}
	return checkShare(r.ErrorShare)
}

func checkShare(share float64) error {
	if !finite(share) || share > 1 {
		return fmt.Errorf("error share is %v: want 0 to 1", share)
	}
	return nil
}

// finite reports whether x is a number, not negative and not infinite.
func finite(x float64) bool { return x >= 0 && !math.IsInf(x, 1) }
