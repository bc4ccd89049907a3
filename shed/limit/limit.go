package limit

import (
	"math"
	"time"
)

// Constants of the law. Origin: a first law tried over 24 scenarios in virtual time, and the episodes of bench/sim (development draw).
const (
	Target     = 1.12
	relieved   = 1.22
	suspicious = 1.3
	flooded    = 2 // times the target: no time to look first

	gain      = 0.3
	maxCut    = 0.85 // a step downward
	fullPace  = 48   // samples for a full step
	leastPace = 12   // samples for a step while nearly nothing is let in
	slowStart = 0.25 // a step upward while the limit is below the known share of what the backend took well before
	known     = 0.25
	// leastStart is where the limit begins at least while nothing is known of what the backend takes.
	leastStart = 4
	maxAccel   = 4.0
	accelStep  = 0.25
	deepest    = 0.4  // an experiment's cut at the most
	shallow    = 0.75 // and at the least: less could not be seen
	stepUp     = 1.3  // where critical demand leaves no room for a cut

	collect      = 60 // samples of a reading, for a coefficient of variation of usualCV; in proportion to its square
	collectFew   = 30
	collectMost  = 300
	usualCV      = 0.53
	collectUp    = 200 // the same for the smaller step upward
	collectFor   = 3 * time.Second
	collectLeast = 200 * time.Millisecond // a reading has to have two halves to compare
	minCollect   = 16                     // samples, when time is up
	settleTick   = 200 * time.Millisecond
	drainFor     = 2 * time.Second
	scaleFalls   = 0.93
	scaleAfter   = time.Second
	restAfter    = 500 * time.Millisecond // between two experiments
	restUp       = 3 * time.Second
	keepsUpFor   = time.Second
	// lessWork is by how much throughput has to fall, of its logarithm and at least, to say that the limit starves the backend.
	lessWork  = 0.12
	sureOf    = 2 // standard errors
	lostShare = 0.1
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
	TooMuch      Reason = "critical demand alone is more than the backend serves"
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
	// Y is the normalised latency over the newest ticks with enough samples and SE its standard error; Y is 0 if unknown. CV is the
	// coefficient of variation of single times to first byte.
	Y, SE, CV float64
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

	first, now  reading       // the reference; under way
	until       time.Duration // of settling or draining
	collecting  bool
	ghosts      int // requests that clients gave up since the limit was set: the backend may still be at work for them
	rounds      int
	hauntedTill time.Duration
	looking     time.Duration // since when the limit of the experiment has held
	// saturated is set when an experiment upward has shown that load is the cause: then even critical demand is no floor.
	saturated bool
	// ignorant is set when the limit had to begin at a guess, until it was high enough to be cut.
	ignorant bool
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
	s = s.abort()
	s.Limit = math.Min(s.Limit+number(peak), mostNumber)
	return s
}

// Fresh reports that the limit has not kept anybody out yet.
func (s State) Fresh() bool { return s.fresh }

// abort gives an experiment up: who is in the group has changed, and with it what was measured.
func (s State) abort() State {
	if s.Phase >= Drain && s.first.limit > 0 {
		s.Limit = math.Min(s.Limit, s.first.limit) // what was only tried upward was not found good
	}
	s.Phase, s.freeSince, s.lowSince = Steady, -1, -1
	s.first, s.now = reading{}, reading{}
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
		return s.draining(in)
	case Look:
		return s.look(in)
	}
	return s.steady(in)
}
