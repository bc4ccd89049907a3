package sim

import (
	"math"
	"slices"
	"time"
)

// phase is a Phase at work: by index instead of by name.
type phase struct {
	Phase
	begin, end time.Duration
	fail, hang []float64       // by route
	half       []float64       // by route
	slow       []float64       // by route
	rates      []float64       // by source
	bursts     []bool          // by source
	pieces     []time.Duration // the ends of Shape's pieces, from the phase's beginning on
}

func (w *world) buildPhases() {
	at := time.Duration(0)
	for _, p := range w.sc.Phases {
		built := phase{Phase: p, begin: at, end: at + p.For}
		built.HangFor = or(p.HangFor, usualHang)
		for _, r := range w.sc.Routes {
			built.fail = append(built.fail, p.fails(r.Name))
			built.hang = append(built.hang, p.Hang[r.Name])
			built.half = append(built.half, p.Half[r.Name])
			built.slow = append(built.slow, or(p.SlowRoutes[r.Name], 1))
		}
		for _, name := range w.sc.sourceNames() {
			built.rates = append(built.rates, p.Rates[name])
			built.bursts = append(built.bursts, p.Burst.Every > 0 && (p.Burst.Of == nil || slices.Contains(p.Burst.Of, name)))
		}
		into := time.Duration(0)
		for _, piece := range p.Shape {
			into += piece.For
			built.pieces = append(built.pieces, into)
		}
		w.phases = append(w.phases, built)
		at += p.For
	}
}

// fails is the share of a route's requests that end at once with an error, of whichever kind.
func (p Phase) fails(route string) float64 {
	if p.Refuse {
		return 1
	}
	return p.Fail[route] + (1-p.Fail[route])*p.Reset[route]
}

// sourceNames are all that can have a rate: routes, then journeys.
func (s Scenario) sourceNames() []string {
	var names []string
	for _, r := range s.Routes {
		names = append(names, r.Name)
	}
	for _, j := range s.Journeys {
		names = append(names, j.Name)
	}
	return names
}

// begin brings the faults of a phase and takes those of the one before away.
func (w *world) begin(i int) {
	w.phase = i
	p := &w.phases[i]
	for k, res := range w.pools {
		w.reshareBefore(res)
		res.slow = or(p.Slow[res.Name], 1)
		res.size = res.Size
		if f := p.Size[res.Name]; f > 0 {
			res.size = max(1, int(math.Round(f*float64(res.Size))))
		}
		res.bound = res.Bound
		if b := p.Bound[res.Name]; b > 0 {
			res.bound = b
		}
		w.reshare(w.pools[k])
		w.fill(res)
	}
	for _, name := range p.Cold {
		for _, r := range w.routes {
			if r.Name == name {
				r.empty()
			}
		}
	}
	if p.Restart {
		w.err = w.startSidecars()
	}
	for _, car := range w.active {
		car.offset += p.Jump
	}
	w.settleOracle()
}

// rate is the rate of a source at a time, and until when it stays that.
func (p *phase) rate(source int, t time.Duration) (rate float64, until time.Duration) {
	rate, until = p.rates[source], p.end
	if p.pieces != nil {
		i, _ := slices.BinarySearch(p.pieces, t-p.begin+1)
		if i = min(i, len(p.pieces)-1); p.begin+p.pieces[i] > t {
			until = min(until, p.begin+p.pieces[i])
		}
		rate *= p.Shape[i].Times
	}
	if !p.bursts[source] {
		return rate, until
	}
	into := (t - p.begin) % p.Burst.Every
	if into < p.Burst.For {
		return rate * p.Burst.Times, min(until, t+p.Burst.For-into)
	}
	return rate, min(until, t+p.Burst.Every-into)
}

// source sends users: Poisson, at the rate of the phase.
type source struct {
	index int
	route int      // of its requests, if it is no journey
	path  *Journey // nil if it is none
	next  time.Duration
	phase int
	count uint64
	dice  *dice
	// even makes the gaps equal; begun is set from the first on.
	even, begun bool
}

func (w *world) buildSources() {
	for i := range w.sc.sourceNames() {
		s := &source{index: i, route: i, dice: newDice(mix(w.seed, uint64(i))), even: w.sc.Even}
		if i >= len(w.sc.Routes) {
			s.path = &w.sc.Journeys[i-len(w.sc.Routes)]
		}
		w.sources = append(w.sources, s)
		w.planArrival(s)
	}
}

// gap is how much of the process has to pass until the next user comes. Where gaps are even, the first is a part of one, or the sources would keep step.
func (s *source) gap() float64 {
	switch {
	case !s.even:
		return s.dice.ExpFloat64()
	case s.begun:
		return 1
	}
	s.begun = true
	return s.dice.Float64()
}

// planArrival finds the next arrival of a process whose rate is constant in pieces: a unit exponential is spent piece by piece.
func (w *world) planArrival(s *source) {
	left, t := s.gap(), s.next
	for s.phase < len(w.phases) {
		p := &w.phases[s.phase]
		rate, until := p.rate(s.index, t)
		if gap := seconds(math.Min(left/math.Max(rate, 1e-9), 1e9)); t+gap < until {
			s.next = t + gap
			w.calendar.add(event{at: s.next, kind: atArrival, index: s.index})
			return
		}
		left -= rate * (until - t).Seconds()
		if t = until; t >= p.end {
			s.phase++
		}
	}
}
