package origin

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Faults is what is wrong with an origin. What it does not name is as configured.
type Faults struct {
	// Slow multiplies services in a pool that begin from now on, in a processor also those under way.
	Slow map[string]float64 `json:"slow,omitempty"`
	// Size multiplies the size of a pool.
	Size map[string]float64 `json:"size,omitempty"`
	// Bound replaces the bound of a pool.
	Bound map[string]int `json:"bound,omitempty"`
	// SlowRoutes multiplies the services of a route that begin from now on.
	SlowRoutes map[string]float64 `json:"slow_routes,omitempty"`
	// Fail is the share of a route's requests that are answered 500 at once, without service.
	Fail map[string]float64 `json:"fail,omitempty"`
	// Hang is the share of a route's requests whose first step takes HangFor, after which they are answered 500.
	Hang    map[string]float64 `json:"hang,omitempty"`
	HangFor time.Duration      `json:"hang_for_ns,omitempty"`
	// Reset is the share of a route's requests whose connection is reset at once, without an answer.
	Reset map[string]float64 `json:"reset,omitempty"`
	// Half is the share of a route's requests that are worked on, and then have half of their answer before the connection ends.
	Half map[string]float64 `json:"half,omitempty"`
	// Refuse closes the endpoints' addresses with all their connections, until it is over: whoever connects is refused.
	Refuse bool `json:"refuse,omitempty"`
	// Cold empties the caches of these routes now.
	Cold []string `json:"cold,omitempty"`
	// Bad is what is wrong with the first endpoint alone.
	Bad BadEndpoint `json:"bad_endpoint,omitzero"`
}

// BadEndpoint is an endpoint that fails or is slow. The zero value is none.
type BadEndpoint struct {
	Fail float64 `json:"fail,omitempty"` // share of requests answered 500 at once
	Hang float64 `json:"hang,omitempty"` // share of requests that it leaves lying for HangFor and then answers 500
	Slow float64 `json:"slow,omitempty"` // 0 means 1
}

func (b BadEndpoint) slow() float64 {
	if b.Slow == 0 {
		return 1
	}
	return b.Slow
}

// Set makes these the faults from now on. On any error nothing is changed.
func (o *Origin) Set(f Faults) error {
	o.changing.Lock()
	defer o.changing.Unlock()
	return o.setLocked(f)
}

func (o *Origin) setLocked(f Faults) error {
	if err := o.checkFaults(f); err != nil {
		return fmt.Errorf("setting faults: %w", err)
	}
	for _, p := range o.pools {
		s := p.settings
		c := condition{slow: factor(f.Slow[s.Name]), size: s.Size, bound: s.Bound}
		if by := f.Size[s.Name]; by > 0 {
			c.size = max(1, int(math.Round(by*float64(s.Size))))
		}
		if b := f.Bound[s.Name]; b > 0 {
			c.bound = b
		}
		p.each(func(r resource) { r.set(c) })
	}
	for _, r := range o.routes {
		fail, given := f.Fail[r.settings.Name]
		if !given {
			fail = r.settings.ErrorShare
		}
		name := r.settings.Name
		r.set(routeFaults{fail, f.Hang[name], f.Reset[name], f.Half[name], f.HangFor, factor(f.SlowRoutes[name])}, slices.Contains(f.Cold, name))
	}
	o.bad.Store(&f.Bad)
	o.door.set(f.Refuse)
	o.faults = f
	return nil
}

// factor is a factor that is 1 if it is not given.
func factor(f float64) float64 {
	if f == 0 {
		return 1
	}
	return f
}

// Slow makes services that begin in the named pool from now on take factor times their time; 1 is as configured.
func (o *Origin) Slow(pool string, factor float64) error {
	return o.change(func(f *Faults) { f.Slow = with(f.Slow, pool, factor) })
}

// Fail makes the named route answer a share of its requests with 500 at once, without service; 0 ends it.
func (o *Origin) Fail(route string, share float64) error {
	return o.change(func(f *Faults) { f.Fail = with(f.Fail, route, share) })
}

// change is for one fault beside those that there are.
func (o *Origin) change(add func(*Faults)) error {
	o.changing.Lock()
	defer o.changing.Unlock()
	f := o.faults
	f.Cold = nil
	add(&f)
	return o.setLocked(f)
}

func with(m map[string]float64, name string, v float64) map[string]float64 {
	out := map[string]float64{name: v}
	for other, was := range m {
		if other != name {
			out[other] = was
		}
	}
	return out
}

// checkFaults lists everything that is wrong, not only the first.
func (o *Origin) checkFaults(f Faults) error {
	var problems []error
	pools, routes := map[string]bool{}, map[string]bool{}
	for _, p := range o.pools {
		pools[p.settings.Name] = true
	}
	for _, r := range o.routes {
		routes[r.settings.Name] = true
	}
	each := func(what string, m map[string]float64, kind string, known map[string]bool, fine func(float64) bool, want string) {
		for name, v := range m {
			if !known[name] {
				problems = append(problems, fmt.Errorf("%s of %q: there is no such %s", what, name, kind))
			}
			if !fine(v) {
				problems = append(problems, fmt.Errorf("%s of %q is %v: want %s", what, name, v, want))
			}
		}
	}
	positive := func(v float64) bool { return v > 0 && v <= 1e6 }
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	each("slowness", f.Slow, "pool", pools, positive, "more than 0, at most 1e6")
	each("size", f.Size, "pool", pools, positive, "more than 0, at most 1e6")
	each("slowness", f.SlowRoutes, "route", routes, positive, "more than 0, at most 1e6")
	each("failing share", f.Fail, "route", routes, share, "0 to 1")
	each("hanging share", f.Hang, "route", routes, share, "0 to 1")
	each("resetting share", f.Reset, "route", routes, share, "0 to 1")
	each("half-answering share", f.Half, "route", routes, share, "0 to 1")
	for name, b := range f.Bound {
		if !pools[name] || b < 1 {
			problems = append(problems, fmt.Errorf("bound of %q is %d: want one of the pools, and 1 at least", name, b))
		}
	}
	for _, name := range f.Cold {
		if !routes[name] {
			problems = append(problems, fmt.Errorf("cold %q: there is no such route", name))
		}
	}
	if !share(f.Bad.Fail) || !share(f.Bad.Hang) || f.Bad.Slow != 0 && !positive(f.Bad.Slow) || f.HangFor < 0 {
		problems = append(problems, fmt.Errorf("bad endpoint %+v, hanging for %v: want shares, a factor and a time", f.Bad, f.HangFor))
	}
	return errors.Join(problems...)
}
