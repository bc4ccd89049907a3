package shed

import (
	"math"
	"time"

	"triage/shed/relief"
	"triage/shed/window"
)

// Constants of a route's measurement; package comment, points 1 and 2.
const (
	samplesEnough   = 16
	samplesWide     = 64
	sureAtOnce      = 4.5 // standard errors, on the newest samplesEnough
	sureInTime      = 4   // on the newest samplesWide
	agesEnough      = 4
	suffersAt       = 1.3
	guessSuffersAt  = 2 // while the baseline is a guess
	fallBelow       = 0.7
	fallSamples     = 32
	earlyAll        = 16 // in flight of the upstream, itself included, for an early sample
	behindTicks     = 10
	behindShare     = 0.2
	blindLost       = 10 // requests without an answer
	blindShare      = 0.9
	blindLeast      = 4
	symptomsAt      = 1.1
	healthyBelow    = 1.15
	symptomTicks    = 3
	peakHalfLife    = 30 * time.Second
	ceilingFloor    = 8
	headroomMost    = 3.0
	headroomLeast   = 1.3
	headroomAfter   = time.Second
	acceptedAbove   = 1.05
	minExcess       = 0.003 // seconds: less than that more is no trouble, whatever the ratio
	slack           = 0.001 // seconds on either side of a ratio: what a scheduler may add to any answer is no symptom
	slownessFalls   = 0.93
	slownessRecheck = time.Second
)

// RouteSettings describe a route to the controller.
type RouteSettings struct {
	Name string
	// Class is the route's priority, 0 is the most important.
	Class int
	// ErrorObjective is the share of backend errors that is all right, 0..1; 0 means 2 %.
	ErrorObjective float64
	// Shares names bottlenecks that the route is said to share with every other route that has the name; Alone says that it
	// shares nothing at all.
	Shares []string
	Alone  bool
}

// Route is one route's state inside a Controller. Its fields belong to the controller.
type Route struct {
	// Three cache lines that requests touch without the lock. All else is under it. The allocator puts eight bytes of its own in front of
	// whatever is as large as a Route.
	_      [64 - 8]byte
	notice notice
	door   door
	own    cell

	open     bool    // the door; then the number in flight is what the door says
	index    int     // place in the configuration
	asleep   bool    // package file awake.go
	quiet    int     // ticks without traffic
	slept    elapsed // up to when it was measured
	settings RouteSettings
	class    uint8
	removed  bool

	domain   *domain
	solo     domain
	fate     *fate
	inFlight int
	queued   int
	starts   time.Duration // sum of the start times of what is in flight

	tick   window.Tick
	recent window.Recent
	base   window.Baseline
	errors errorTest

	slowness   float64
	lowSince   time.Duration
	x, se      float64
	noise      float64 // seconds that this process itself may have added to an answer lately
	excess     float64 // seconds above the scaled baseline
	alien      int     // ticks in a row that said that the route does not share its group's bottleneck
	aloofTill  time.Duration
	founder    bool          // of its group
	trialOf    *group        // the group it is out of for a moment
	trialAt    time.Duration // when that began, or when it may begin again
	trialWait  time.Duration
	known      bool // x is known
	symptoms   int  // ticks in a row
	suffering  bool
	slowTicks  int  // in a row of suffering
	stalled    bool // this process stood still during the last tick
	measured   time.Duration
	peak       float64
	raised     time.Duration
	widening   float64       // how many times its peak the route may grow to
	headroomAt time.Duration // from when the ceiling counts; 0: no baseline yet
	blind      float64       // limit while nothing is known; +Inf: none
	blindAt    time.Duration // when it was last moved
	storm      storm
	flow       flow
	retries    int // that arrived in the tick under way
	// What half of the answers take at most, and nineteen in twenty; 0: not known.
	quick, surely time.Duration
	suspect       bool // may have to do with the guarded route's errors
	refusing      Reason
	refusedAt     time.Duration

	usual       float64 // arrivals a second while all is well
	relief      relief.Estimate
	culpritOf   *group        // whose members get more done while it is held, or are watched to see whether they do
	cap         float64       // that it is held at; +Inf: none
	inquiryAt   time.Duration // when it may be kept back again
	inquiryWait time.Duration
}

func newRoute(s RouteSettings, now time.Duration) *Route {
	r := &Route{settings: s, class: uint8(s.Class), slowness: 1, lowSince: -1, blind: math.Inf(1), blindAt: now, asleep: true, cap: math.Inf(1)}
	r.door.lastRun.Store(int64(now - probeEvery))
	r.notice.spared.Store(math.Float64bits(sparesAll))
	r.notice.sparedRetries.Store(math.Float64bits(sparesAll))
	r.notice.sign.Store(&r.solo.sign)
	r.solo.sign.since.Store(-1)
	r.solo.limit = math.Inf(1)
	r.solo.routes = []*Route{r}
	r.domain = &r.solo
	return r
}

// Name is the route's name.
func (r *Route) Name() string { return r.settings.Name }

// leastExcess is how much longer than the baseline an answer has to take to mean anything, in seconds.
func (r *Route) leastExcess() float64 { return minExcess + 2*r.noise }

// unit is what a time to first byte is measured against, in seconds: the baseline, with what may be our own doing.
func (r *Route) unit() float64 { return r.base.Seconds() + slack + r.noise }

// scaled is the baseline with the accepted slowness, in seconds.
func (r *Route) scaled() float64 { return r.base.Seconds() * r.slowness }

// measure closes the tick and works out what the route says about the backend. stalled: this process itself stood still; noise: how
// late it lately was for its own ticks, in seconds.
func (r *Route) measure(now time.Duration, stalled bool, noise float64) {
	r.noise = noise
	tick := r.tick
	r.tick = window.Tick{Peak: r.inFlight}
	if stalled {
		tick.Samples, tick.Sum = 0, 0
		r.base.Spoil()
	}
	r.recent.Add(tick)
	r.stalled, r.measured = stalled, now
	r.normalise()
	r.judge(tick.Samples > 0)
	r.learn(now)
	r.raisePeak(now)
	r.goBlind(now)
}

// pace sums the newest times to first byte and says how many they are. With few completions the ages of what is in flight
// count as well, if they say more: a backend that hangs completes nothing.
func (r *Route) pace(samples int) (seconds, n float64) {
	sum, _ := r.recent.Newest(samples)
	seconds, n = sum.Sum.Seconds(), float64(sum.Samples)
	if sum.Samples >= samplesEnough || r.inFlight < agesEnough || r.stalled {
		return seconds, n
	}
	ages := (r.measured*time.Duration(r.inFlight) - r.starts).Seconds()
	if ages*math.Max(n, 1) <= seconds*float64(r.inFlight) {
		return seconds, n
	}
	return seconds + ages, n + float64(r.inFlight)
}

func (r *Route) normalise() {
	seconds, n := r.pace(samplesEnough)
	r.known = n > 0 && r.scaled() > 0
	if !r.known {
		return
	}
	r.x = (seconds/n + slack) / (r.scaled() + slack + r.noise)
	r.excess = seconds/n - r.scaled()
	r.se = r.base.CV() / math.Sqrt(n)
}

func (r *Route) judge(fresh bool) {
	if !r.known {
		r.suffering, r.symptoms = false, 0
		return
	}
	threshold := suffersAt
	if !r.base.Known() {
		threshold = guessSuffersAt + 3*r.base.Doubt()
	}
	r.suffering = (r.beyond(samplesEnough, threshold, sureAtOnce) || r.beyond(samplesWide, threshold, sureInTime)) && (r.base.Known() || r.behind())
	switch {
	case r.x <= symptomsAt+3*r.se || r.excess <= r.leastExcess():
		r.symptoms = 0
	case fresh:
		r.symptoms++
	}
}

// beyond tests the newest samples, at least so many, against a threshold. The test is made every tick on every route, and sums of a few
// skewed times reach far: three standard errors are passed by chance every few minutes.
func (r *Route) beyond(samples int, threshold, sure float64) bool {
	seconds, n := r.pace(samples)
	x := (seconds/n + slack) / (r.scaled() + slack + r.noise)
	return x > threshold+sure*r.base.CV()/math.Sqrt(n) && seconds/n-r.scaled() > r.leastExcess()
}

// behind reports that the backend does not keep up: of what was sent to it lately too much is still there. While the baseline is a
// guess of a few answers, which are the short ones, slowness alone is no evidence.
func (r *Route) behind() bool {
	sum, ticks := r.recent.Last(behindTicks)
	oldest, _ := r.recent.Ago(ticks - 1)
	if sum.Lost > 0 {
		return true
	}
	return ticks >= behindTicks/2 && float64(r.inFlight-oldest.Peak) > behindShare*float64(sum.Arrivals)
}

// learn feeds time to the baseline, or throws the window away when the route is not healthy.
func (r *Route) learn(now time.Duration) {
	r.lowerSlowness(now)
	if sum, _ := r.recent.Newest(fallSamples); r.known && r.x < fallBelow && sum.Samples >= fallSamples {
		r.base.Fall(sum.Mean().Seconds())
	}
	if r.suffering || r.domain != &r.solo || r.slowness > acceptedAbove {
		r.base.Spoil()
		return
	}
	r.base.Tick(now)
	if r.headroomAt == 0 && r.base.Known() {
		r.headroomAt = now + headroomAfter
	}
}

// lowerSlowness lets accepted slowness go once the route has been faster than that for a while.
func (r *Route) lowerSlowness(now time.Duration) {
	if r.slowness <= 1 || r.domain != &r.solo || !r.known || r.x > slownessFalls {
		r.lowSince = -1
		return
	}
	if r.lowSince < 0 {
		r.lowSince = now
		return
	}
	if now-r.lowSince >= slownessRecheck {
		r.slowness, r.lowSince = math.Max(1, r.slowness*r.x), -1
	}
}

// raisePeak takes a concurrency as proven when the answers that came since it was reached were healthy: what is in flight now
// has not been answered yet and proves nothing.
func (r *Route) raisePeak(now time.Duration) {
	r.fadePeak()
	lag := min(1+int(r.scaled()/tickEvery.Seconds()), window.Span-1)
	proven, ok := r.recent.Ago(lag)
	healthy := r.known && r.x < healthyBelow+r.se
	pause := max(tickEvery, time.Duration(r.scaled()*float64(time.Second)))
	if peak := float64(proven.Peak); ok && peak > r.peak && healthy && now-r.raised >= pause {
		r.peak, r.raised = peak, now
	}
}

// ceiling is the standing headroom, +Inf while there is none.
func (r *Route) ceiling(now time.Duration) float64 {
	if r.headroomAt == 0 || now < r.headroomAt {
		return r.blind
	}
	return min(r.cap, max(ceilingFloor, r.widening*r.peak))
}

// goBlind acts when nothing at all is known, because no answer ever came: a process that starts before a backend that is flooded already.
// Nearly everything is lost, so half of it might as well not be sent, every second, until the backend has caught up and
// answers; then there is something to go by.
func (r *Route) goBlind(now time.Duration) {
	if r.scaled() > 0 {
		r.blind = math.Inf(1)
		return
	}
	sum, _ := r.recent.Last(window.Span)
	lost := float64(sum.Lost)
	if now-r.blindAt < time.Second || sum.Lost < blindLost || lost < blindShare*(lost+float64(sum.Completed-sum.Errors)) {
		return
	}
	r.blind, r.blindAt = math.Max(blindLeast, math.Min(r.blind, float64(sum.Peak))/2), now
}

// headroom falls geometrically from the most to the least important class.
func headroom(class, classes int) float64 {
	if classes < 2 {
		return headroomMost
	}
	return headroomMost * math.Pow(headroomLeast/headroomMost, float64(class)/float64(classes-1))
}

// demand is the number of slots that the route's arrivals need when the backend is healthy.
func (r *Route) demand() float64 {
	sum, ticks := r.recent.Last(5)
	if ticks == 0 {
		return 0
	}
	return float64(sum.Arrivals) / (float64(ticks) * tickEvery.Seconds()) * r.base.Seconds()
}

// stranger reports that nothing is known of a route that has plenty in flight.
func (r *Route) stranger() bool { return r.scaled() == 0 && r.inFlight >= ceilingFloor }

// surged reports whether the route has grown well past what it was.
func (r *Route) surged() bool {
	return float64(r.inFlight) > 1.1*r.peak+2 && r.known && r.x > symptomsAt+r.se && r.excess > r.leastExcess()
}
