package peer

import (
	"time"

	"triage/bench/sim"
)

// Zhou et al., "Overload Control for Scaling WeChat Microservices", SoCC'18, with the errata of arXiv 1806.04075v3.
const (
	dagorWindow   = time.Second           // load is checked every second (section 4.1)
	dagorRequests = 2000                  // or every 2,000 requests, whichever comes first
	dagorQueuing  = 20 * time.Millisecond // average queuing time that means overload
	dagorAlpha    = 0.05                  // share of the admitted that is cut in overload (section 4.2)
	dagorBeta     = 0.01                  // share of the incoming that is let in again
	dagorEpoch    = time.Hour             // users' priorities are drawn anew every hour (section 4.2)
)

// Ours: what latency is without queuing is, per route, the average of window means, which follows downwards quickly and upwards
// slowly. A slow rise lets it forgive a backend that has become slower for good; the controller itself keeps the excess near the
// threshold, so a long overload moves it by a fifth of a millisecond a second.
const (
	dagorFall = 0.25
	dagorRise = 0.01
	// A mean of fewer samples says too little.
	dagorSamples = 10
)

// Dagor admits by compound priority: business (class), then 128 user levels by a hash of the session. A histogram over them and a
// cursor: in overload the cursor goes down until 5 % of what was admitted is cut, else up until 1 % of what came in is added.
//
// DAGOR runs inside the service and measures how long requests wait in its queue. A sidecar does not see that: here a route's
// latency above its baseline stands for it, timeouts and clients that left included; fast errors are left out. So slowness that
// is not queuing looks like queuing. Left out: the level that is piggybacked to callers (a sidecar at the edge has none that
// listen) and cooperation between services.
type Dagor struct {
	immediate
	classes int
	routes  []dagorRoute

	levels         []int // requests of the window by level
	cursor         int   // the last level that is admitted
	came, admitted int
	excess         time.Duration
	measured       int
	windowEnd      time.Duration
}

type dagorRoute struct {
	base  time.Duration
	sum   time.Duration
	count int
}

// NewDagor makes an admission control that admits every level.
func NewDagor(s Settings) sim.Policy {
	n := s.classes()
	return &Dagor{
		classes: n, routes: make([]dagorRoute, max(1, len(s.Routes))),
		levels: make([]int, n*cohorts), cursor: n*cohorts - 1, windowEnd: dagorWindow,
	}
}

// Arrive admits the request if its level is not below the cursor.
func (p *Dagor) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	p.check(now)
	level := clampClass(r.Class, p.classes)*cohorts + cohortOf(r.Session, uint64(max(0, now)/dagorEpoch))
	p.came++
	p.levels[level]++
	if level > p.cursor {
		return refuse(r, "level")
	}
	p.admitted++
	return p.run(now, r)
}

// Done measures.
func (p *Dagor) Done(now time.Duration, r *sim.Request, o sim.Outcome) {
	_, latency, ok := p.end(now, r)
	if !ok {
		return
	}
	route := &p.routes[min(max(0, r.Route), len(p.routes)-1)]
	if o == sim.Failure && latency <= route.base {
		return
	}
	if o == sim.Success {
		route.sum += latency
		route.count++
	}
	if route.base > 0 {
		p.excess += latency - route.base
		p.measured++
	}
	p.check(now)
}

// Tick ends a window that nobody else has ended.
func (p *Dagor) Tick(now time.Duration) { p.check(now) }

// TickEvery is the window.
func (p *Dagor) TickEvery() time.Duration { return dagorWindow }

// check ends the window when its time or its number of requests is over.
func (p *Dagor) check(now time.Duration) {
	if now < p.windowEnd && p.came < dagorRequests {
		return
	}
	overloaded := p.measured > 0 && p.excess/time.Duration(p.measured) > dagorQueuing
	p.move(overloaded)
	for i := range p.routes {
		p.routes[i].learn()
	}
	clear(p.levels)
	p.came, p.admitted, p.excess, p.measured = 0, 0, 0, 0
	p.windowEnd = now + dagorWindow
}

// move is the paper's adaptive admission: the cursor walks over the histogram until the expected number of admitted is reached.
func (p *Dagor) move(overloaded bool) {
	prefix := float64(p.admitted)
	if overloaded {
		want := (1 - dagorAlpha) * prefix
		for ; prefix > want && p.cursor > 0; p.cursor-- {
			prefix -= float64(p.levels[p.cursor])
		}
		return
	}
	want := prefix + dagorBeta*float64(p.came)
	for prefix < want && p.cursor < len(p.levels)-1 {
		p.cursor++
		prefix += float64(p.levels[p.cursor])
	}
}

// learn takes the window's mean into the baseline.
func (r *dagorRoute) learn() {
	if r.count < dagorSamples {
		return
	}
	mean := r.sum / time.Duration(r.count)
	r.sum, r.count = 0, 0
	switch {
	case r.base == 0:
		r.base = mean
	case mean < r.base:
		r.base += time.Duration(dagorFall * float64(mean-r.base))
	default:
		r.base += time.Duration(dagorRise * float64(mean-r.base))
	}
}
