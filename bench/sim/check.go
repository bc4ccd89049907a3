package sim

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of what can be simulated.
const (
	mostClasses   = 250
	mostLasting   = 24 * time.Hour
	mostRate      = 1e6 // of all sources together
	mostSize      = 1_000_000
	mostSidecars  = 100
	mostEndpoints = 1000
	mostFactor    = 1e4 // of a slowness, a size, a contention
	mostWaiting   = 24 * time.Hour
	mostEntries   = 1e9 // of a cache
)

// checker collects all problems of a scenario.
type checker struct {
	problems []error
	// place is what is looked at, as a path of keys.
	place []string
}

func (c *checker) require(ok bool, format string, args ...any) {
	if !ok {
		c.problems = append(c.problems, at(fmt.Errorf(format, args...), c.place...))
	}
}

// look says what is looked at from now on.
func (c *checker) look(path ...string) { c.place = path }

// placed is a problem with its place in an episode, as a path of keys.
type placed struct {
	error
	path []string
}

func (p placed) Unwrap() error { return p.error }

func at(err error, path ...string) error { return placed{err, path} }

// span wants a time that somebody may wait.
func (c *checker) span(what string, d time.Duration) {
	c.require(d >= 0 && d <= mostWaiting, "%s: %v; want 0 to %v", what, d, mostWaiting)
}

// check says everything that is wrong with a scenario whose defaults are filled in.
func (s Scenario) check() error {
	c := &checker{}
	c.look("classes")
	c.require(s.Classes >= 1 && s.Classes <= mostClasses, "classes: %d; want 1 to %d", s.Classes, mostClasses)
	c.look("endpoints")
	c.require(s.Endpoints >= 1 && s.Endpoints <= mostEndpoints, "endpoints: %d; want 1 to %d", s.Endpoints, mostEndpoints)
	c.look("users")
	c.require(s.Users >= 1, "users: %d; want 1 at least", s.Users)
	c.look("sidecars")
	c.require(s.Sidecars.Count >= 1 && s.Sidecars.Count <= mostSidecars, "sidecars: %d; want 1 to %d", s.Sidecars.Count, mostSidecars)
	c.span("sidecars: stall.every", s.Sidecars.StallEvery)
	c.span("sidecars: stall.for", s.Sidecars.StallFor)
	c.span("sidecars: timeout", s.Sidecars.Timeout)
	c.require(s.Sidecars.StallEvery == 0 || s.Sidecars.StallEvery >= time.Millisecond, "sidecars: stalls every %v; want 1ms at least", s.Sidecars.StallEvery)
	c.look("clients")
	c.require(s.Clients.Deadline > 0 && s.Clients.Deadline <= mostWaiting, "deadline: %v; want more than 0, %v at most", s.Clients.Deadline, mostWaiting)
	c.require(s.Clients.Retry.Backoff >= 0 && s.Clients.Retry.Backoff <= time.Hour, "backoff: %v; want 0 to an hour", s.Clients.Retry.Backoff)
	c.require(s.Clients.Retry.Times >= 0 && s.Clients.Retry.Times <= 20, "retries: %d; want 0 to 20", s.Clients.Retry.Times)
	c.look("routes")
	c.require(len(s.Routes) > 0, "routes: none; want one at least")
	c.look("phases")
	c.require(len(s.Phases) > 0, "phases: none; want one at least")
	c.require(s.lasts() <= mostLasting, "phases: %v in all; want %v at most", s.lasts(), mostLasting)
	resources, routes := c.resources(s), c.routes(s)
	sources := slices.Concat(routes, c.journeys(s, routes))
	c.look("innocent")
	for _, name := range s.Innocent {
		c.known("innocent", name, "route", routes)
	}
	for i, p := range s.Phases {
		c.look("phases", strconv.Itoa(i))
		c.phase(fmt.Sprintf("phase %d (%s)", i+1, p.Name), p, resources, routes, sources)
	}
	return errors.Join(c.problems...)
}

func (c *checker) known(where, name, what string, known []string) {
	c.require(slices.Contains(known, name), "%s: no %s is called %q; there are %q%s", where, what, name, known, meant(name, known))
}

func (c *checker) resources(s Scenario) (names []string) {
	for _, r := range s.Resources {
		c.look("resources", r.Name)
		c.require(r.Name != "" && !slices.Contains(names, r.Name), "resource %q: want a name of its own", r.Name)
		c.require(r.Size >= 1 && r.Size <= mostSize, "resource %q: size %d; want 1 to %d", r.Name, r.Size, mostSize)
		c.require(r.Contention >= 0 && r.Contention <= mostFactor && r.Bound >= 0, "resource %q: contention %v, bound %d; want 0 or more", r.Name, r.Contention, r.Bound)
		c.span(fmt.Sprintf("resource %q: patience", r.Name), r.Patience)
		c.span(fmt.Sprintf("resource %q: pause.for", r.Name), r.Pause.For)
		c.require(r.Pause.Every >= 0 && r.Pause.For >= 0 && r.Pause.Every <= mostWaiting && (r.Pause.Every == 0 || r.Pause.Every >= time.Millisecond), "resource %q: pauses of %v every %v; want a millisecond between them at least", r.Name, r.Pause.For, r.Pause.Every)
		c.require(r.Sharing == Slots || r.Bound == 0 && r.Patience == 0, "resource %q: a processor has no queue to bound", r.Name)
		names = append(names, r.Name)
	}
	return names
}

func (c *checker) routes(s Scenario) (names []string) {
	resources := make([]string, 0, len(s.Resources))
	for _, r := range s.Resources {
		resources = append(resources, r.Name)
	}
	c.held(s)
	for _, r := range s.Routes {
		c.look("routes", r.Name)
		c.ask(r)
		c.require(r.Name != "" && !slices.Contains(names, r.Name), "route %q: want a name of its own", r.Name)
		c.require(r.Class >= 0 && r.Class < s.Classes, "route %q: class %d; want 0 to %d", r.Name, r.Class, s.Classes-1)
		c.require(len(r.Steps) > 0 || s.Plain, "route %q: no steps; want one at least", r.Name)
		for _, st := range r.Steps {
			if st.Resource != "" {
				c.known("route "+r.Name, st.Resource, "resource", resources)
			}
			v := st.Service
			if err := v.Check(); err != nil {
				c.require(false, "route %q: %w", r.Name, err)
			}
			c.require(v.Mean > 0 && v.Mean <= time.Hour, "route %q: mean service time %v; want more than 0, an hour at most", r.Name, v.Mean)
			c.require(v.Shape >= 0 && v.Shape <= 10, "route %q: shape %v; want 0 to 10", r.Name, v.Shape)
			c.require(st.Cache.Hit >= 0 && st.Cache.Hit < 1 && st.Cache.Entries >= 0 && st.Cache.Entries <= mostEntries, "route %q: a cache with %v hits and %v entries; want a share below 1", r.Name, st.Cache.Hit, st.Cache.Entries)
		}
		names = append(names, r.Name)
	}
	return names
}

// ask looks at what would be sent over a socket.
func (c *checker) ask(r Route) {
	c.require(r.Ask.Path == "" || strings.HasPrefix(r.Ask.Path, "/"), "route %q: path %q; want one that begins with a slash", r.Name, r.Ask.Path)
	c.require(r.Ask.Method == "" || r.Ask.Method == strings.ToUpper(r.Ask.Method) && !strings.ContainsAny(r.Ask.Method, " \t\r\n:/"), "route %q: method %q; want one such as GET or POST", r.Name, r.Ask.Method)
	c.require(r.Ask.Body == "" || r.Ask.Method != "" && r.Ask.Method != "GET" && r.Ask.Method != "HEAD" || r.Unsafe, "route %q: a body; want a method that has one, such as POST", r.Name)
	for name, value := range r.Ask.Header {
		c.require(name != "" && !strings.ContainsAny(name, " \t\r\n\x00:") && !strings.ContainsAny(value, "\r\n\x00"), "route %q: header %q; want a name and a value of one line", r.Name, name)
	}
}

// held sees to it that slots which are held cannot be waited for in a circle, and that nothing is done before an answer that has gone out.
func (c *checker) held(s Scenario) {
	waits := map[string]map[string]bool{} // who holds a slot of the first waits for one of the second
	for _, r := range s.Routes {
		c.look("routes", r.Name)
		for i, st := range r.Steps {
			c.require(i == 0 || st.After || !r.Steps[i-1].After, "route %q: step %d comes behind one that is done after the answer; want it after the answer too", r.Name, i+1)
			if !st.Held {
				continue
			}
			at := slices.IndexFunc(s.Resources, func(res Resource) bool { return res.Name == st.Resource })
			c.require(at >= 0 && s.Resources[at].Sharing == Slots, "route %q: step %d holds a slot of %q; want a resource with slots", r.Name, i+1, st.Resource)
			for _, later := range r.Steps[i+1:] {
				if waits[st.Resource] == nil {
					waits[st.Resource] = map[string]bool{}
				}
				waits[st.Resource][later.Resource] = later.Resource != ""
			}
		}
		c.require(len(r.Steps) == 0 || !r.Steps[0].After, "route %q: all is done after the answer; want a step before it", r.Name)
	}
	for range s.Resources { // what can be reached in a step more each time
		for _, next := range waits {
			for name := range next {
				maps.Copy(next, waits[name])
			}
		}
	}
	for name, next := range waits {
		c.require(!next[name], "resource %q: who holds a slot of it may wait for another of it; want no circle", name)
	}
}

func (c *checker) journeys(s Scenario, routes []string) (names []string) {
	for _, j := range s.Journeys {
		c.look("journeys", j.Name)
		c.require(j.Name != "" && !slices.Contains(names, j.Name) && !slices.Contains(routes, j.Name), "journey %q: want a name of its own", j.Name)
		c.require(len(j.Stages) > 0, "journey %q: no stages; want one at least", j.Name)
		for _, st := range j.Stages {
			c.known("journey "+j.Name, st.Route, "route", routes)
			c.require(st.Think >= 0 && st.Think <= mostWaiting && st.Leave >= 0 && st.Leave <= 1, "journey %q: think %v, leave %v; want 0 or more, and a share", j.Name, st.Think, st.Leave)
		}
		names = append(names, j.Name)
	}
	return names
}

func (c *checker) phase(where string, p Phase, resources, routes, sources []string) {
	labels := []Label{"", Calm, Slow, Overload, Errors}
	c.require(slices.Contains(labels, p.Label), "%s: label %q; want one of %q", where, p.Label, labels[1:])
	c.require(p.For >= 0 && p.For <= mostLasting, "%s: lasts %v; want 0 to %v", where, p.For, mostLasting)
	factor := math.Max(p.Burst.Times, 1)
	total := 0.0
	phase := c.place
	under := func(keys ...string) { c.look(slices.Concat(phase, keys)...) }
	for name, rate := range p.Rates {
		under("rates", name)
		c.known(where+": rates", name, "route or journey", sources)
		c.require(rate >= 0, "%s: rate of %q: %v; want 0 or more", where, name, rate)
		total += rate * factor
	}
	under()
	c.require(total <= mostRate, "%s: %v arrivals a second; want %v at most", where, total, mostRate)
	positive := func(what string, m map[string]float64, kind string, known []string) {
		for name, v := range m {
			under(what, name)
			c.known(where+": "+what, name, kind, known)
			c.require(v > 0 && v <= mostFactor, "%s: %s of %q: %v; want a factor above 0, %v at most", where, what, name, v, mostFactor)
		}
	}
	positive("slow", p.Slow, "resource", resources)
	positive("slow_routes", p.SlowRoutes, "route", routes)
	positive("size", p.Size, "resource", resources)
	for name, v := range p.Bound {
		under("bound", name)
		c.known(where+": bound", name, "resource", resources)
		c.require(v >= 1, "%s: bound of %q: %d; want 1 at least", where, name, v)
	}
	for what, m := range map[string]map[string]float64{"fail": p.Fail, "hang": p.Hang, "reset": p.Reset, "half": p.Half} {
		for name, v := range m {
			under(what, name)
			c.known(where+": "+what, name, "route", routes)
			c.require(v >= 0 && v <= 1, "%s: %s of %q: %v; want a share", where, what, name, v)
		}
	}
	under("cold")
	for _, name := range p.Cold {
		c.known(where+": cold", name, "route", routes)
	}
	under("burst")
	for _, name := range p.Burst.Of {
		c.known(where+": burst", name, "route or journey", sources)
	}
	c.require(p.Burst.Every == 0 || p.Burst.Every > p.Burst.For && p.Burst.For > 0 && p.Burst.Times > 0, "%s: bursts of %v every %v, times %v; want a time shorter than the gap, and a factor", where, p.Burst.For, p.Burst.Every, p.Burst.Times)
	under()
	c.span(where+": hang_for", p.HangFor)
	for _, piece := range p.Shape {
		c.require(piece.Times >= 0 && piece.Times <= mostFactor && piece.For >= 0, "%s: rates times %v for %v; want a factor of 0 to %v", where, piece.Times, piece.For, mostFactor)
	}
	c.require(p.Jump >= -mostWaiting && p.Jump <= mostWaiting, "%s: a jump of %v; want a day at most", where, p.Jump)
	bad := p.BadEndpoint
	c.require(bad.Fail >= 0 && bad.Hang >= 0 && bad.Fail+bad.Hang <= 1 && bad.Slow >= 0 && bad.Slow <= mostFactor, "%s: bad endpoint: fail %v, hang %v, slow %v; want two shares, together 1 at most, and a factor", where, bad.Fail, bad.Hang, bad.Slow)
}

// handLimit is what a human would set who knows the backend: the size of the resource that most routes need.
func (s Scenario) handLimit() float64 {
	best, most := 0.0, 0
	for _, res := range s.Resources {
		users := 0
		for _, r := range s.Routes {
			if slices.ContainsFunc(r.Steps, func(st Step) bool { return st.Resource == res.Name }) {
				users++
			}
		}
		if users > most {
			best, most = float64(res.Size), users
		}
	}
	return best
}
