package limit

import (
	"math"
	"time"
)

// Constants of the law. Origin: a first law tried over 24 scenarios in virtual time, and this package's own runs.
const (
	Target     = 1.12
	relieved   = 1.22
	suspicious = 1.3

	gain       = 0.3
	maxCut     = 0.85 // a step downward
	fullPace   = 48   // samples for a full step
	maxAccel   = 4.0
	accelStep  = 0.25
	step       = 0.6 // an experiment's cut
	stepUp     = 1.3 // where critical demand leaves no room for a cut
	collect    = 60  // samples
	collectUp  = 200 // the same for the smaller step upward
	collectFor = 3 * time.Second
	// collectLeast is how long a reading lasts at least: it has to have two halves to compare.
	collectLeast = 200 * time.Millisecond
	minCollect   = 16 // samples, when time is up
	settleTick   = 200 * time.Millisecond
	drainFor     = 2 * time.Second
	scaleFalls   = 0.93
	scaleAfter   = time.Second
	restAfter    = 500 * time.Millisecond // between two experiments
	restUp       = 3 * time.Second
	keepsUpFor   = time.Second
	// sameLatency is a factor within which two latencies measured apart count as one.
	sameLatency = 1.2
	lostShare   = 0.1
	// slowest is the greatest slowness at which critical demand is still kept whole during an experiment.
	slowest = 4
	// moreRounds is how often a reading is taken again because it was not of one state.
	moreRounds = 4
	// hauntedFor is how long after the last client has given up its request may still be worked on.
	hauntedFor = 3 * time.Second
	driftAt    = 0.35 // of the logarithm: about two standard deviations of a comparison of thirty samples with thirty
)

// Phase is what the law is doing.
type Phase uint8

// The phases, in the order of an experiment.
const (
	Steady Phase = iota
	Hold
	Drain
	Look
)

var phaseWords = [...]string{"steady", "hold", "drain", "look"}

// String gives the phase's word.
func (p Phase) String() string { return phaseWords[p] }

// Reason says why the limit, or the scale, moved: a word from a closed set.
type Reason string

// The reasons.
const (
	None         Reason = ""
	Opened       Reason = "opened"
	Overload     Reason = "more is offered than the backend serves"
	KeepsUp      Reason = "not load: slow, but all that is offered is served"
	TooSlow      Reason = "latency above target"
	RoomLeft     Reason = "latency below target"
	Probing      Reason = "cut to see whether load is the cause"
	Relieved     Reason = "the cut relieved the backend"
	CutAgain     Reason = "the cut helped, not enough yet"
	NotLoad      Reason = "not load: latency did not follow the cut"
	Disturbed    Reason = "something else moved during the cut"
	OnlyCritical Reason = "only critical demand is left to cut: tried upward instead"
	Faster       Reason = "the backend has become faster again"
)

// Sample is what the group did during one tick.
type Sample struct {
	Now time.Duration
	// Samples is the number of times to first byte in this tick, Sum their sum and Base the sum of the baselines that
	// belong to them, in seconds.
	Samples   int
	Sum, Base float64
	// Lost counts requests of this tick that got no answer: timeouts, and what clients gave up. Their times say when patience ended, not
	// how slow the backend is.
	Lost int
	// Y is the normalised latency over the newest ticks with enough samples and SE its standard error; Y is 0 if unknown.
	Y, SE float64
	// InFlight and Waiting are counts at the end of the tick, Peak the largest number in flight during it.
	InFlight, Waiting, Peak int
	// Useful is the concurrency that does work (throughput · baseline), Peaks the concurrency that the backend took well
	// before it began to suffer.
	Useful, Peaks float64
	// Critical is the number of slots that the demand of the most important class needs at scale 1 (arrivals · baseline).
	Critical float64
}

// State is the law's memory. Open makes one.
type State struct {
	Limit float64
	Scale float64
	Phase Phase

	// fresh is set until the limit has kept somebody out for the first time.
	fresh     bool
	accel     float64
	lowSince  time.Duration // since when y is below scaleFalls·Scale; negative: it is not
	freeSince time.Duration // since when y is high although nobody is kept out; negative: it is not
	restTill  time.Duration

	top, first, now reading       // when the limit first bound; at the held limit; under way
	until           time.Duration // of settling or draining
	collecting      bool
	next            Phase // after draining
	ghosts          int   // requests that clients gave up since the limit was set: the backend may still be at work for them
	rounds          int
	hauntedTill     time.Duration
}

// Open starts the law for a group that has begun to suffer, innocent until proven: the limit starts at what is with the
// backend, or at headroom, what the routes together could have grown to without a group, if that is more.
func Open(now time.Duration, inFlight, headroom, scale float64) State {
	return State{Limit: math.Max(1, math.Max(number(inFlight), number(headroom))), Scale: math.Max(1, number(scale)), fresh: true, accel: 1, lowSince: -1, freeSince: -1, restTill: now}
}

// Grow makes room for a route that joins: its headroom while the law is fresh, what the backend took well afterwards.
func (s State) Grow(headroom, peak float64) State {
	if s.fresh {
		peak = headroom
	}
	s.Limit = math.Min(s.Limit+number(peak), mostNumber)
	return s.abort()
}

// Shrink takes away the share of the limit that a leaving route had.
func (s State) Shrink(share float64) State {
	s.Limit = math.Max(1, s.Limit*(1-math.Min(number(share), 1)))
	return s.abort()
}

// abort gives an experiment up: who is in the group has changed, and with it what was measured.
func (s State) abort() State {
	s.Phase, s.freeSince, s.lowSince = Steady, -1, -1
	return s
}

// Next moves the law by one tick.
func (s State) Next(in Sample) (State, Reason) {
	in = in.sane()
	if in.Y <= 0 {
		return s, None
	}
	s.ghosts += in.Lost
	if float64(in.Lost) > lostShare*float64(in.Samples) {
		s.hauntedTill = in.Now + hauntedFor
	}
	s, why := s.move(in)
	s.Limit = math.Min(s.Limit, mostNumber)
	return s, why
}

// move is Next in the phase under way.
func (s State) move(in Sample) (State, Reason) {
	switch s.Phase {
	case Hold:
		return s.hold(in)
	case Drain:
		return s.drain(in)
	case Look:
		return s.look(in)
	}
	return s.steady(in)
}

// Binding reports whether the limit keeps anybody out.
func (s State) Binding(in Sample) bool {
	return in.Waiting > 0 || float64(in.Peak) >= math.Max(1, 0.9*s.Limit)
}

func (s State) steady(in Sample) (State, Reason) {
	s, faster := s.lowerScale(in)
	if faster {
		return s, Faster
	}
	binding := s.Binding(in)
	z := in.Y / s.Scale
	if s.fresh && binding && z > Target {
		return s.firstCut(in), Overload
	}
	s, keepsUp := s.keepsUp(in, binding)
	if keepsUp {
		return s, KeepsUp
	}
	if binding && z > suspicious+0.5*in.SE && in.Now >= s.restTill && in.Samples > 0 {
		return s.begin(in), None
	}
	pace := math.Min(1, float64(in.Samples)/fullPace)
	switch {
	case pace == 0 || !binding || z > suspicious:
		s.accel = 1 // far above the target an experiment decides, not a ratio
		return s, None
	case z > Target:
		s.accel = 1
		s.Limit = math.Max(s.Limit*math.Max(maxCut, 1-gain*(z-Target)*pace), math.Min(s.Limit, s.floor(in)))
		return s, TooSlow
	}
	s.Limit *= 1 + gain*(Target-z)*pace*s.accel
	s.accel = math.Min(maxAccel, s.accel+accelStep)
	return s, RoomLeft
}

// floor is what critical demand needs, with a margin, once the backend is as fast as the scale says.
func (s State) floor(in Sample) float64 { return math.Max(1, 1.15*in.Critical*s.Scale) }

// firstCut goes to the useful concurrency at once, at least to four fifths of what was healthy before: too low a start costs
// as much as too high a one.
func (s State) firstCut(in Sample) State {
	inFlight := float64(in.InFlight)
	z := math.Max(1, in.Y/s.Scale)
	limit := math.Max(math.Min(in.Useful*s.Scale, inFlight/z)*Target, 0.8*in.Peaks)
	s.top = reading{limit: math.Max(1, math.Max(inFlight, s.Limit)), samples: collect, sum: in.Y, base: 1, took: time.Second}
	s.first = reading{limit: math.Max(1, inFlight), samples: collect, sum: in.Y * in.Useful, base: in.Useful, took: time.Second}
	s.Limit = math.Max(1, math.Min(limit, math.Max(inFlight, in.Peaks)))
	s.fresh = false
	if s.Limit > 0.8*inFlight {
		s.restTill = in.Now // too small a step to learn from
		return s
	}
	return s.drainTo(in, Look)
}

// keepsUp is the passive half of the verdict: latency stays high, but all that is offered is served and nobody waits. An
// overloaded backend cannot do that. So it is slow, not overloaded, and cutting would only cost.
func (s State) keepsUp(in Sample, binding bool) (State, bool) {
	if binding || in.Y/s.Scale <= suspicious || float64(in.Lost) > lostShare*float64(in.Samples) {
		s.freeSince = -1
		return s, false
	}
	if s.freeSince < 0 {
		s.freeSince = in.Now
		return s, false
	}
	need := max(keepsUpFor, time.Duration(5*in.Y*meanBase(in)*float64(time.Second)))
	if in.Now-s.freeSince < need {
		return s, false
	}
	s.Scale, s.freeSince = in.Y, -1
	return s, true
}

// lowerScale lets the accepted slowness go when the backend has been faster than it for a while.
func (s State) lowerScale(in Sample) (State, bool) {
	if s.Scale <= 1 || in.Y > scaleFalls*s.Scale {
		s.lowSince = -1
		return s, false
	}
	if s.lowSince < 0 {
		s.lowSince = in.Now
		return s, false
	}
	if in.Now-s.lowSince < scaleAfter {
		return s, false
	}
	s.Scale, s.lowSince = math.Max(1, in.Y), -1
	return s, true
}
