package shed

import (
	"math"

	"triage/shed/level"
	"triage/shed/window"
)

const (
	// Growth is looked for over half a second: by a factor of what is usual, some standard deviations of a Poisson number, and a few
	// requests for the sake of routes that have hardly any.
	grownTicks  = 5
	grownBy     = 1.5
	grownChance = 3
	grownLeast  = 3
	// fullerBy and fullerLeast say the same of what is in flight.
	fullerBy, fullerLeast = 1.5, 4
	// slowTicks in a row of suffering, or this ratio over two seconds.
	slowTicks = 3
	slowAt    = 1.25
	// keptOutBelow is the share of a second's requests that have to come to an end, if there are so many at least.
	keptOutBelow, keptOutOf = 0.3, 10
)

// grown reports whether the route is called clearly more than usual, or has clearly more in flight than was healthy.
func (r *Route) grown() bool {
	late, _ := r.recent.Last(grownTicks)
	usual := r.usual * grownTicks / usualTicks
	return float64(late.Arrivals) > grownBy*usual+grownChance*math.Sqrt(usual)+grownLeast || float64(r.inFlight) > fullerBy*r.peak+fullerLeast
}

// slow reports whether the route's answers evidently take longer than they should.
func (r *Route) slow() bool {
	sum, _ := r.recent.Last(window.Span)
	newest, _ := r.recent.Last(window.Span / 2)
	if sum.Samples < samplesEnough || newest.Samples < samplesEnough/2 || r.scaled() == 0 {
		// Where next to nothing is answered there is nothing to be seen: the last answers before everything began to fail are the slow ones.
		return false
	}
	if r.slowTicks >= slowTicks || r.domain.group != nil {
		return true
	}
	x := (sum.Mean().Seconds() + slack) / (r.scaled() + slack + r.noise)
	return x > slowAt+3*r.base.CV()/math.Sqrt(float64(sum.Samples))
}

// keptOut reports whether most of the route's requests are refused before they reach the backend.
func (r *Route) keptOut() bool {
	sum, _ := r.recent.Last(2 * grownTicks)
	return sum.Arrivals >= keptOutOf && float64(sum.Completed) < keptOutBelow*float64(sum.Arrivals)
}

// signs looks for what load would leave behind while the guarded route fails.
func (c *Controller) signs() level.Signs {
	s := level.Signs{Slow: c.guard.slow(), OneEndpoint: c.endpoints.alone(c.endpoints.worst(), c.guard.objective()), Refused: c.guard.keptOut()}
	for _, r := range c.awake {
		if r != c.guard {
			s.OthersFail = s.OthersFail || r.errors.alarmed
			s.OthersGrow = s.OthersGrow || r.grown()
		}
	}
	return s
}
