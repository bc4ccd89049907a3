package sim

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Scaled is the same scenario with a backend and a crowd of factor times the size: resources, bounds, caches and rates. Sizes are whole
// numbers, so the rates follow what became of them: what was wanted of the narrowest resource is wanted of it still.
func (s Scenario) Scaled(factor float64) Scenario {
	if factor == 1 {
		return s
	}
	whole := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(1, int(math.Round(factor*float64(n))))
	}
	out := s
	out.Resources = slices.Clone(s.Resources)
	for i := range out.Resources {
		r := &out.Resources[i]
		r.Size, r.Bound = whole(r.Size), whole(r.Bound)
	}
	out.Routes = slices.Clone(s.Routes)
	for i := range out.Routes {
		out.Routes[i].Steps = slices.Clone(out.Routes[i].Steps)
		for k := range out.Routes[i].Steps {
			out.Routes[i].Steps[k].Cache.Entries *= factor
		}
	}
	out.Phases = slices.Clone(s.Phases)
	before, after := s.defaults(), out.defaults()
	for i, p := range s.Phases {
		rates := maps.Clone(p.Rates)
		for name := range rates {
			by := after.sustains(name) / before.sustains(name)
			if math.IsNaN(by) { // no resource bounds it
				by = factor
			}
			rates[name] *= by
		}
		out.Phases[i].Rates = rates
		out.Phases[i].Bound = maps.Clone(p.Bound)
		for name, n := range p.Bound {
			out.Phases[i].Bound[name] = whole(n)
		}
	}
	return out
}

// Stretched is the same scenario with phases factor times as long.
func (s Scenario) Stretched(factor float64) Scenario {
	s.Phases = slices.Clone(s.Phases)
	for i := range s.Phases {
		p := &s.Phases[i]
		p.For = time.Duration(factor * float64(p.For))
		p.Shape = slices.Clone(p.Shape)
		for k := range p.Shape {
			p.Shape[k].For = time.Duration(factor * float64(p.Shape[k].For))
		}
	}
	return s
}

// Until is the beginning of the scenario, up to an instant.
func (s Scenario) Until(at time.Duration) Scenario {
	var phases []Phase
	for _, p := range s.Phases {
		if at <= 0 {
			break
		}
		p.For = min(p.For, at)
		at -= p.For
		phases = append(phases, p)
	}
	s.Phases = phases
	return s
}

// Lasts is how long the phases take together.
func (s Scenario) Lasts() time.Duration { return s.lasts() }

// Peak is the highest rate of attempts a second that may be expected: in a burst, with all stages of the journeys under way, and with
// half of the retries that clients would make if they lost everything.
func (s Scenario) Peak() float64 {
	stages := map[string]float64{}
	for _, j := range s.Journeys {
		goOn := 1.0
		for _, st := range j.Stages {
			stages[j.Name] += goOn
			goOn *= 1 - st.Leave
		}
	}
	peak := 0.0
	for _, p := range s.Phases {
		total := 0.0
		for _, name := range slices.Sorted(maps.Keys(p.Rates)) { // in one order, or sums differ in their last bits
			rate := p.Rates[name]
			if p.Burst.Every > 0 && (p.Burst.Of == nil || slices.Contains(p.Burst.Of, name)) {
				rate *= math.Max(p.Burst.Times, 1)
			}
			total += rate * or(stages[name], 1)
		}
		times := 1.0
		for k, piece := range p.Shape {
			if times = math.Max(times, piece.Times); k == 0 {
				times = piece.Times
			}
		}
		peak = math.Max(peak, total*times)
	}
	return peak * (1 + float64(s.Clients.Retry.Times)/2)
}
