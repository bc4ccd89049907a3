package shed

import (
	"math"
	"time"

	"triage/shed/relief"
	"triage/shed/window"
)

// Constants of a route's headroom and baseline; package comment, points 1 and 2.
const (
	fallBelow       = 0.7
	fallSamples     = 32
	earlyAll        = 16 // in flight of the upstream, itself included, for an early sample
	blindLost       = 10 // requests without an answer
	blindShare      = 0.9
	blindLeast      = 4
	healthyBelow    = 1.15
	answered        = 0.5 // of what was in flight, in the time that an answer takes
	peakHalfLife    = 30 * time.Second
	ceilingFloor    = 8
	headroomMost    = 3.0
	headroomLeast   = 1.3
	headroomAfter   = time.Second
	acceptedAbove   = 1.05
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
	released   bool          // it is aloof because of a trial, not because it was evidently well among those who suffered
	founder    bool          // of its group
	newcomer   bool          // had no baseline when it joined its group
	longest    float64       // excess in its group, in seconds
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
	lag := r.lag()
	proven, ok := r.recent.Ago(lag)
	since, _ := r.recent.Last(lag)
	healthy := r.known && r.x < healthyBelow+r.se && float64(since.Samples) >= answered*float64(proven.Peak)
	pause := max(tickEvery, time.Duration(r.scaled()*float64(time.Second)))
	if peak := float64(proven.Peak); ok && peak > r.peak && healthy && now-r.raised >= pause {
		r.peak, r.raised = peak, now
	}
}

// lag is how many ticks an answer takes when all is well, rounded up.
func (r *Route) lag() int { return min(1+int(r.scaled()/tickEvery.Seconds()), window.Span-1) }

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
func (c *Controller) goBlind(now time.Duration, r *Route) {
	before := r.blind
	r.grope(now)
	if r.blind != before {
		c.entries.add(now, "limit", r.Name(), shown(before), shown(r.blind), "nothing is known of the route, and next to nothing is answered; 0 is no limit")
	}
}

// grope moves the limit of the ignorant.
func (r *Route) grope(now time.Duration) {
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
