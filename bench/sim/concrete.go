package sim

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Scenario draws one scenario of the episode: the same for the same draw and seed.
func (e Episode) Scenario(which Draw, seed int) (Scenario, error) {
	if which != Development && which != Judging {
		return Scenario{}, fmt.Errorf("drawing %s: draw %q; want %q or %q", e.Name, which, Development, Judging)
	}
	d, p := newDraw(which, e.Name, seed), e.spec
	s := Scenario{Name: e.Name, Classes: p.Classes, Endpoints: p.Endpoints, Users: p.Users, Abandon: p.Abandon, Innocent: p.Innocent, Even: p.Arrivals == "constant", Plain: p.plain()}
	err := d.backend(&s, p)
	if err == nil {
		err = d.people(&s, p)
	}
	if err == nil {
		err = d.phases(&s, p)
	}
	if err == nil {
		err = s.defaults().check()
	}
	if err != nil {
		return Scenario{}, fmt.Errorf("drawing %s: %w", e.Name, err)
	}
	return s, nil
}

func (d draw) backend(s *Scenario, p spec) error {
	for _, name := range slices.Sorted(maps.Keys(p.Resources)) {
		r := p.Resources[name]
		sharing := Slots
		if r.Sharing == "processor" {
			sharing = Processor
		}
		s.Resources = append(s.Resources, Resource{
			Name: name, Sharing: sharing, Size: int(math.Round(d.number("size", r.Size.quantity))),
			Contention: d.number("contention", r.Contention.quantity), Bound: int(math.Round(d.number("bound", r.Bound.quantity))),
			Patience: d.time("patience", r.Patience), PerEndpoint: r.PerEndpoint,
			Pause: Pause{d.time("pause.every", r.Pause.Every), d.time("pause.for", r.Pause.For)},
		})
	}
	for _, name := range slices.Sorted(maps.Keys(p.Routes)) {
		r := p.Routes[name]
		steps := r.Steps
		if len(steps) == 0 {
			steps = []stepSpec{r.stepSpec}
		}
		if p.plain() {
			steps = nil
		}
		route := Route{Name: name, Class: int(r.Class), Unsafe: r.Unsafe, Ask: Ask{r.Method, r.Path, r.Header, r.Body}}
		for _, st := range steps {
			step, err := d.step(st)
			if err != nil {
				return at(fmt.Errorf("route %q: %w", name, err), "routes", name)
			}
			route.Steps = append(route.Steps, step)
		}
		s.Routes = append(s.Routes, route)
	}
	slices.SortStableFunc(s.Routes, func(a, b Route) int { return cmp.Compare(a.Class, b.Class) })
	return nil
}

const usualSigma = 0.5

func (d draw) step(st stepSpec) (Step, error) {
	v := Service{Mean: d.time("takes", st.Takes), Law: Lognormal, Shape: usualSigma}
	switch {
	case st.Sigma.said && !st.Alpha.said && st.Law == "":
		v.Shape = d.number("sigma", st.Sigma.quantity)
	case st.Alpha.said && !st.Sigma.said && st.Law == "":
		v.Law, v.Shape = Pareto, d.number("alpha", st.Alpha.quantity)
	case st.Sigma.said || st.Alpha.said:
		return Step{}, fmt.Errorf("want one of sigma, alpha and law")
	case st.Law == "constant":
		v.Law, v.Shape = Constant, 0
	case st.Law == "exponential":
		v.Law, v.Shape = Exponential, 0
	}
	cache := Cache{Hit: d.number("cache.hit", st.Cache.Hit.quantity), Entries: d.number("cache.entries", st.Cache.Entries.quantity)}
	return Step{Resource: st.On, Service: v, Cache: cache, Held: st.Held, After: st.After}, nil
}

func (d draw) people(s *Scenario, p spec) error {
	for _, name := range slices.Sorted(maps.Keys(p.Journeys)) {
		j := Journey{Name: name}
		for _, st := range p.Journeys[name] {
			j.Stages = append(j.Stages, Stage{Route: st.Route, Think: d.time("think", st.Think), Leave: d.number("leave", st.Leave.quantity)})
		}
		s.Journeys = append(s.Journeys, j)
	}
	r := p.Clients.Retry
	s.Clients = Clients{Deadline: d.time("deadline", p.Clients.Deadline), Retry: Retry{Times: r.Times, Backoff: d.time("backoff", r.Backoff), Honour: r.Honour}}
	s.Clients.TellsDeadline, s.Clients.MarksRetries = p.Clients.TellsDeadline, p.Clients.MarksRetries
	s.Clients.HTTP2, s.Clients.CloseEach = p.Clients.HTTP == "2", p.Clients.KeepAlive != nil && !*p.Clients.KeepAlive
	for _, on := range r.On {
		switch on {
		case "refusals":
			s.Clients.Retry.Refusals = true
		case "failures":
			s.Clients.Retry.Failures = true
		case "timeouts":
			s.Clients.Retry.Leaving = true
		}
	}
	c := p.Sidecars
	s.Sidecars = Sidecars{Count: c.Count, StallEvery: d.time("stall.every", c.Stall.Every), StallFor: d.time("stall.for", c.Stall.For), Timeout: d.time("timeout", c.Timeout)}
	return nil
}

func (d draw) phases(s *Scenario, p spec) error {
	for i, ph := range p.Phases {
		rates := maps.Clone(p.Rates)
		if rates == nil {
			rates = map[string]rate{}
		}
		maps.Copy(rates, ph.Rates)
		out := Phase{
			Name: ph.Name, For: d.time("for", ph.For), Label: ph.Is, Rates: map[string]float64{},
			Slow: numbers(d, "slow", ph.Slow), SlowRoutes: numbers(d, "slow_routes", ph.SlowRoutes), Size: numbers(d, "size", ph.Size),
			Fail: numbers(d, "fail", ph.Fail), Hang: numbers(d, "hang", ph.Hang), HangFor: d.time("hang_for", ph.HangFor),
			Reset: numbers(d, "reset", ph.Reset), Half: numbers(d, "half", ph.Half), Refuse: ph.Refuse,
			Cold: ph.Cold, Restart: ph.Restart, Jump: d.time("jump", ph.Jump),
			BadEndpoint: BadEndpoint{Fail: d.number("bad.fail", ph.Bad.Fail.quantity), Hang: d.number("bad.hang", ph.Bad.Hang.quantity), Slow: d.number("bad.slow", ph.Bad.Slow.quantity)},
			Burst:       Burst{Every: d.time("burst.every", ph.Burst.Every), For: d.time("burst.for", ph.Burst.For), Times: d.number("burst.times", ph.Burst.Times.quantity), Of: ph.Burst.Of},
		}
		if err := d.shape(&out, ph); err != nil {
			return at(fmt.Errorf("phase %q: %w", ph.Name, err), "phases", strconv.Itoa(i))
		}
		for name, b := range ph.Bound {
			if out.Bound == nil {
				out.Bound = map[string]int{}
			}
			out.Bound[name] = int(math.Round(d.number("bound", b.quantity)))
		}
		for name, r := range rates {
			v, err := d.rate(s, name, r)
			if err != nil {
				return at(fmt.Errorf("phase %q: %w", ph.Name, err), "phases", strconv.Itoa(i), "rates", name)
			}
			if ph.Times.said {
				v *= d.number("times", ph.Times.quantity)
			}
			if b := ph.Boost[name]; b.said {
				v *= d.number("boost", b.quantity)
			}
			out.Rates[name] = v
		}
		for name := range ph.Boost {
			if _, there := rates[name]; !there {
				return at(fmt.Errorf("phase %q: boost of %q, which has no rate", ph.Name, name), "phases", strconv.Itoa(i), "boost", name)
			}
		}
		s.Phases = append(s.Phases, out)
	}
	return nil
}

// rate is a rate in arrivals a second.
func (d draw) rate(s *Scenario, name string, r rate) (float64, error) {
	v := d.number("rate", r.quantity)
	if r.unit == "/s" || v == 0 {
		return v, nil
	}
	most := s.defaults().sustains(name)
	if math.IsInf(most, 1) {
		return 0, fmt.Errorf("rate of %q: a share, but no resource bounds it; want a rate such as 200/s", name)
	}
	return v * most, nil
}
