package origin

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

const (
	defaultMaxWaiters    = 10_000
	defaultMaxContention = 10
	// maxBody bounds what one route keeps in memory as its response body, in bytes.
	maxBody = 16 << 20
)

// Settings describes an Origin. At least one route is needed.
type Settings struct {
	// Seed makes service times and errors repeatable.
	Seed   uint64
	Pools  []PoolSettings
	Routes []RouteSettings
	// MaxWaiters bounds the requests that wait for a slot, all pools together; 0 means 10,000.
	MaxWaiters int
}

// PoolSettings describes a resource that requests of one or more routes share.
type PoolSettings struct {
	Name string
	// Size is the number of requests it serves at once, at least 1.
	Size int
	// Contention is by how much of itself a service grows per waiter and slot; 0 means none.
	Contention float64
	// MaxContention is the number of waiters per slot beyond which it grows no further; 0 means 10.
	MaxContention float64
	// LeaveQueue lets a waiter whose client has left go before it gets a slot.
	LeaveQueue bool
}

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
	// ErrorShare is the share of requests, 0 to 1, answered 500 at once, without service, until Fail says otherwise.
	ErrorShare float64
	// Body is the number of bytes in the response body of a request that is served.
	Body int
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
		if !pools[r.Pool] {
			fail(fmt.Errorf("there is no pool %q", r.Pool))
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
