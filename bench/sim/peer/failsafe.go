package peer

import (
	"time"

	"triage/bench/sim"
)

// failsafe-go v0.9.8: adaptivelimiter, priority and internal/util; defaults of NewBuilder and BuildPrioritized.
const (
	failsafeRejectFrom = 2.0         // × limit: a queue this long begins to reject
	failsafeRejectAll  = 3.0         // × limit: a queue this long rejects everything
	failsafeCalibrate  = time.Second // the documentation's interval; the caller has to schedule it
)

// Failsafe is a re-implementation of failsafe-go's PriorityLimiter from its published source, not the library: the library waits in
// goroutines and reads the wall clock, so it cannot run in virtual time. Requests above the limit wait in a FIFO queue, without
// a deadline, as by default; priorities decide who may join it: a level is drawn at random inside the priority, and must not be
// below a threshold that is calibrated from the queue's length. Classes map to its five priorities from the top.
//
// Cancelled executions are dropped, not sampled: timeouts and clients that left. Server errors are sampled. Left out: usage
// fairness per user, maxLimitFactorDecay and the stabilization window (all off by default), several limiters on one prioritizer.
type Failsafe struct {
	waiting
	limiter     failsafeLimiter
	levels      failsafeLevels
	threshold   int
	calibration time.Duration
}

// NewFailsafe makes a limiter with the library's defaults.
func NewFailsafe(s Settings) sim.Policy {
	return &Failsafe{limiter: newFailsafeLimiter(), levels: failsafeLevels{dice: s.dice(3)}, calibration: failsafeCalibrate}
}

// Arrive is AcquirePermitWithPriority.
func (p *Failsafe) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	p.calibrate(now)
	limit := p.limiter.whole()
	if p.inFlight < limit {
		return p.run(now, r)
	}
	level := p.levels.draw(r.Class)
	if p.room.len() >= int(float64(limit)*failsafeRejectAll) {
		return refuse(r, "queue_full")
	}
	if level < p.threshold {
		return refuse(r, "priority")
	}
	p.levels.record(level)
	return p.wait(r, 0, never)
}

// Done is Record, or Drop if the execution was cancelled.
func (p *Failsafe) Done(now time.Duration, r *sim.Request, o sim.Outcome) {
	p.calibrate(now)
	full := p.inFlight >= p.limiter.whole()
	f, latency, ok := p.end(now, r)
	if !ok {
		return
	}
	if o == sim.Success || o == sim.Failure {
		p.limiter.sample(latency, f.inFlight)
	}
	p.limiter.update(now, full)
	p.fill(now, p.limiter.whole())
}

// Tick calibrates.
func (p *Failsafe) Tick(now time.Duration) { p.calibrate(now) }

// TickEvery is the calibration's interval.
func (p *Failsafe) TickEvery() time.Duration { return failsafeCalibrate }

// Limit is the limit in force.
func (p *Failsafe) Limit() float64 { return p.limiter.limit }

// calibrate sets the threshold to the quantile of recent levels that the queue's length asks for.
func (p *Failsafe) calibrate(now time.Duration) {
	if now < p.calibration {
		return
	}
	p.calibration = now + failsafeCalibrate
	p.threshold = 0
	if rate := failsafeRate(p.room.len(), p.limiter.whole()); rate > 0 {
		p.threshold = p.levels.quantile(rate)
	}
}

// failsafeRate is queueStats.ComputeRejectionRate: linear between the two factors.
func failsafeRate(queued, limit int) float64 {
	from, all := int(float64(limit)*failsafeRejectFrom), int(float64(limit)*failsafeRejectAll)
	switch {
	case queued < from:
		return 0
	case queued >= all:
		return 1
	}
	return float64(queued-from) / float64(all-from)
}
