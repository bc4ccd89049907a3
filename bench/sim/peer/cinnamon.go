package peer

import (
	"time"

	"triage/bench/sim"
)

// Uber, "Cinnamon: Using Century Old Tech to Build a Mean Load Shedder", "PID Controller for Cinnamon", "Cinnamon Auto-Tuner:
// Adaptive Concurrency in the Wild" (2023).
const (
	cinnamonPIEvery = 500 * time.Millisecond // the controller's interval
	cinnamonEpoch   = time.Hour              // ours: the posts say that cohorts shift with time, not how often
	// Ours: the posts bound queue and wait without a number. A sidecar does not know a client's deadline.
	cinnamonQueue   = 500
	cinnamonTimeout = 0.25 // seconds
)

// Cinnamon is Uber's shedder: a rejector that turns a reject ratio into a priority threshold by the distribution of recent
// priorities, a bounded queue ordered by priority, a scheduler that keeps in-flight at a tuned limit, and a queue timeout. A
// priority is the tier (class) and one of 128 cohorts by a hash of the session.
//
// Uber tunes a limit per endpoint of one service. Here one limit covers all routes, or priorities could not work across them.
// Fast errors and clients that left are no samples. Left out: propagation of priorities, the queue timeouts and quotas of the
// database edition (2026).
type Cinnamon struct {
	waiting
	classes int
	timeout time.Duration

	pi        pi
	recent    recentLevels
	threshold int
	tuner     tuner

	nextPI          time.Duration
	inflow, outflow int
	idle            int // intervals in a row in which the limit did not bind
	bound           bool
}

// NewCinnamon makes a shedder that rejects nothing. Hand "queue_timeout" is in seconds.
func NewCinnamon(s Settings) sim.Policy {
	n := s.classes()
	p := &Cinnamon{
		classes: n, threshold: n*cohorts - 1, nextPI: cinnamonPIEvery, tuner: newTuner(),
		timeout: time.Duration(s.hand("queue_timeout", cinnamonTimeout) * float64(time.Second)),
	}
	p.recent = newRecentLevels(n * cohorts)
	return p
}

// Arrive rejects, runs or queues.
func (p *Cinnamon) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	p.advance(now)
	level := clampClass(r.Class, p.classes)*cohorts + cohortOf(r.Session, uint64(max(0, now)/cinnamonEpoch))
	p.recent.add(now, level)
	if level > p.threshold {
		return refuse(r, "rejected")
	}
	p.inflow++
	if p.inFlight < p.tuner.whole() {
		p.outflow++
		return p.run(now, r)
	}
	p.bound = true
	if p.room.len() >= cinnamonQueue {
		worst := p.room.worst()
		if worst.rank <= level {
			return refuse(r, "queue_full")
		}
		p.turnAway(worst, "displaced")
	}
	return p.wait(r, level, now+p.timeout)
}

// Done gives the slot to the best of those who wait.
func (p *Cinnamon) Done(now time.Duration, r *sim.Request, o sim.Outcome) {
	p.advance(now)
	f, latency, ok := p.end(now, r)
	if !ok {
		return
	}
	if o == sim.Success || o == sim.Timeout {
		p.tuner.observe(now, latency, f.inFlight)
	}
	p.hand(now)
}

// Tick moves rejector and limit.
func (p *Cinnamon) Tick(now time.Duration) { p.advance(now) }

// TickEvery is the controller's interval.
func (p *Cinnamon) TickEvery() time.Duration { return cinnamonPIEvery }

// Limit is the limit in force.
func (p *Cinnamon) Limit() float64 { return p.tuner.limit }

func (p *Cinnamon) hand(now time.Duration) { p.outflow += p.fill(now, p.tuner.whole()) }

// advance does what the passing of time asks for.
func (p *Cinnamon) advance(now time.Duration) {
	p.expire(now)
	p.tuner.update(now)
	// Before anybody new: a limit that has just risen belongs to those who wait.
	p.hand(now)
	if now >= p.nextPI {
		p.reject(now)
		p.nextPI = now + cinnamonPIEvery
	}
}

// reject ends an interval: a new ratio, and the threshold that cuts this share of recent priorities. Ours: after a second in which
// the limit did not bind there is nothing to reject and the integral is forgotten; free slots are few beside a flow of short
// requests, and would take the ratio back only slowly.
func (p *Cinnamon) reject(now time.Duration) {
	p.idle++
	if p.bound || p.room.len() > 0 {
		p.idle = 0
	}
	if p.idle >= 2 {
		p.pi.reset()
	}
	limit := p.tuner.whole()
	free := max(0, limit-p.inFlight)
	ratio := p.pi.next(float64(p.inflow), float64(p.outflow), float64(free), float64(limit))
	p.threshold = p.recent.threshold(now, ratio)
	p.inflow, p.outflow, p.bound = 0, 0, false
}
