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

// reading is what was measured at one held limit.
type reading struct {
	limit     float64
	began     time.Duration
	samples   int
	lost      int
	sum, base float64
	took      time.Duration
	// earlySum and earlyBase are sum and base of about the first half.
	earlySum, earlyBase float64
}

// drifts reports that latency still moves: what was sent before the limit was set, or for clients that have left, is still being worked
// on, or something else changes.
func (r reading) drifts() bool {
	if r.earlyBase <= 0 || r.base <= r.earlyBase {
		return false
	}
	early, late := r.earlySum/r.earlyBase, (r.sum-r.earlySum)/(r.base-r.earlyBase)
	return math.Abs(math.Log(late/early)) > driftAt
}

// censored reports that much of the reading is the patience of clients rather than the time of the backend: a latency that does not
// follow a cut then means nothing.
func (r reading) censored() bool { return float64(r.lost) > lostShare*float64(r.samples) }

func (r reading) y() float64 { return r.sum / math.Max(r.base, 1e-9) }

// rate is useful work a second: baselines' worth of completions, so that a change of mix is no change of throughput.
func (r reading) rate() float64 { return r.base / math.Max(r.took.Seconds(), 1e-3) }

// Open starts the law for a group that has begun to suffer, innocent until proven: the limit starts at what is with the
// backend, or at headroom, what the routes together could have grown to without a group, if that is more.
func Open(now time.Duration, inFlight, headroom, scale float64) State {
	return State{Limit: math.Max(1, math.Max(inFlight, headroom)), Scale: math.Max(1, scale), fresh: true, accel: 1, lowSince: -1, freeSince: -1, restTill: now}
}

// Grow makes room for a route that joins: its headroom while the law is fresh, what the backend took well afterwards.
func (s State) Grow(headroom, peak float64) State {
	if s.fresh {
		peak = headroom
	}
	s.Limit += peak
	return s.abort()
}

// Shrink takes away the share of the limit that a leaving route had.
func (s State) Shrink(share float64) State {
	s.Limit = math.Max(1, s.Limit*(1-math.Min(math.Max(share, 0), 1)))
	return s.abort()
}

// abort gives an experiment up: who is in the group has changed, and with it what was measured.
func (s State) abort() State {
	s.Phase, s.freeSince, s.lowSince = Steady, -1, -1
	return s
}

// Next moves the law by one tick.
func (s State) Next(in Sample) (State, Reason) {
	if in.Y <= 0 {
		return s, None
	}
	s.ghosts += in.Lost
	if float64(in.Lost) > lostShare*float64(in.Samples) {
		s.hauntedTill = in.Now + hauntedFor
	}
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

// begin holds the limit where requests really are: a limit that does not bind measures nothing.
func (s State) begin(in Sample) State {
	s.Limit = math.Max(1, math.Min(s.Limit, float64(max(in.Peak, in.InFlight))))
	s.top = reading{}
	return s.drainTo(in, Hold)
}

// drainTo waits until what is in flight fits the limit, then goes on to the next phase.
func (s State) drainTo(in Sample, next Phase) State {
	s.Phase, s.next, s.until = Drain, next, in.Now+drainFor
	s.ghosts, s.rounds = 0, 0
	return s
}

// settle waits for what was admitted under the old limit to leave before anything is counted.
func (s State) settle(in Sample) State {
	wait := time.Duration(1.2 * in.Y * meanBase(in) * float64(time.Second))
	s.until = in.Now + max(settleTick, min(wait, drainFor))
	s.collecting = false
	s.now = reading{limit: s.Limit}
	return s
}

func meanBase(in Sample) float64 {
	if in.Samples == 0 {
		return 0
	}
	return in.Base / float64(in.Samples)
}

// gather adds the tick to the reading under way; done says that it is complete.
func (s State) gather(in Sample) (State, bool) {
	if in.Now < s.until {
		return s, false
	}
	if !s.collecting {
		s.collecting, s.now.began = true, in.Now
		return s, false
	}
	s.now.samples += in.Samples
	s.now.lost += in.Lost
	s.now.sum += in.Sum
	s.now.base += in.Base
	s.now.took = in.Now - s.now.began
	if s.now.earlyBase == 0 || 2*s.now.samples <= collect {
		s.now.earlySum, s.now.earlyBase = s.now.sum, s.now.base
	}
	want := collect
	if s.upward() {
		want = collectUp
	}
	enough := s.now.samples >= want && s.now.took >= collectLeast || s.now.took >= collectFor && s.now.samples >= minCollect
	return s, enough
}

// upward reports that the experiment under way looks at a higher limit than the reference.
func (s State) upward() bool { return s.Phase == Look && s.now.limit > s.first.limit }

func (s State) hold(in Sample) (State, Reason) {
	s, done := s.gather(in)
	if !done {
		return s, None
	}
	if s.now.y() < relieved*s.Scale {
		return s.rest(in), None
	}
	s.first = s.now
	return s.cut(in, step)
}

// cut lowers the limit by a factor, never below what critical demand needs while the backend is as slow as it is: nothing
// critical is refused to find something out. By Little's law that leaves room for a cut as long as critical demand is less than
// half of the capacity. With more the limit goes up instead: latency that does not follow it upward is not load either, and it
// costs nobody anything.
func (s State) cut(in Sample, factor float64) (State, Reason) {
	need := s.floor(in)
	if !s.now.censored() { // else the latency says when clients lost patience, and a floor made of it would hold the flood
		need *= math.Min(math.Max(1, s.now.y()/s.Scale), slowest)
	}
	limit := math.Max(s.now.limit*factor, need)
	if limit > 0.95*s.now.limit {
		s.first, s.Limit = s.now, stepUp*s.now.limit
		return s.drainTo(in, Look), OnlyCritical
	}
	s.Limit = limit
	return s.drainTo(in, Look), Probing
}

func (s State) drain(in Sample) (State, Reason) {
	if float64(in.InFlight) > 1.1*s.Limit+1 && in.Now < s.until {
		return s, None
	}
	s.Phase = s.next
	return s.settle(in), None
}

func (s State) look(in Sample) (State, Reason) {
	s, done := s.gather(in)
	if !done {
		return s, None
	}
	haunted := float64(s.ghosts) > lostShare*float64(s.now.samples)
	slow := s.now.y() > relieved*s.Scale
	if slow && !haunted && in.Now < s.hauntedTill {
		return s.settle(in), None
	}
	if slow && (haunted || s.now.drifts()) && s.rounds < moreRounds {
		s.rounds, s.ghosts = s.rounds+1, 0
		return s.settle(in), None
	}
	if haunted {
		s.now.lost = s.now.samples
	}
	y1, y2 := s.first.y(), s.now.y()
	dose := math.Log(s.now.limit / s.first.limit)
	e := math.Log(y2/y1) / dose
	eX := math.Log(s.now.rate()/s.first.rate()) / dose
	if s.upward() {
		return s.judgeUp(in, e, eX)
	}
	switch {
	case y2 < relieved*s.Scale:
		return s.rest(in), Relieved
	case s.now.censored() || s.first.censored():
	case math.Abs(e) < 0.4 && eX > 0.3:
		return s.undo(in), NotLoad
	case e < -0.4:
		if s.first.began > 0 { // what was seen while the flood came in is no state to go back to
			s.Limit = s.first.limit
		}
		return s.rest(in), Disturbed
	}
	s.first = s.now
	next, reason := s.cut(in, math.Min(0.6, math.Max(0.4, Target*s.Scale/y2)))
	if reason == Probing {
		reason = CutAgain
	}
	return next, reason
}

// judgeUp ends an experiment upward: the higher limit stays if it cost no latency and brought throughput.
func (s State) judgeUp(in Sample, e, eX float64) (State, Reason) {
	if e < 0.4 && eX > 0.3 && !s.now.censored() {
		s.Scale = math.Max(1, s.now.y())
		return s.rest(in), NotLoad
	}
	s.Limit = s.first.limit
	s = s.rest(in)
	s.restTill = in.Now + restUp
	return s, OnlyCritical
}

// undo accepts the latency as the scale and gives the slots back: those from before the first cut, if the latency was the same
// there.
func (s State) undo(in Sample) State {
	y := s.now.y()
	limit := s.first.limit
	if was := s.top.y(); s.top.limit > limit && was < sameLatency*y && y < sameLatency*was {
		limit = s.top.limit
	}
	s.Scale, s.Limit = math.Max(1, y), limit
	s = s.rest(in)
	s.accel = maxAccel
	return s
}

// rest ends an experiment.
func (s State) rest(in Sample) State {
	s.Phase, s.accel, s.lowSince = Steady, 1, -1
	s.restTill = in.Now + restAfter
	return s
}
