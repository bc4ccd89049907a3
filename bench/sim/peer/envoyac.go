package peer

import (
	"math"
	"math/rand/v2"
	"time"

	"triage/bench/sim"
)

// Envoy's gradient controller: source/extensions/filters/http/adaptive_concurrency/controller/gradient_controller.cc. Defaults
// from the API (adaptive_concurrency/v3); what the API requires to be set, and the percentile, from the documentation's
// example (adaptive_concurrency_filter.rst).
const (
	acUpdateEvery = 100 * time.Millisecond // concurrency_update_interval, example
	acPercentile  = 0.90                   // sample_aggregate_percentile, example (API default p50)
	acMinRTTEvery = 60 * time.Second       // min_rtt_calc_params.interval, example
	acMinRTTCount = 50                     // request_count, API default and example
	acJitter      = 0.15                   // jitter, API default
	acBuffer      = 0.25                   // buffer, API default
	acMaxLimit    = 1000                   // max_concurrency_limit, API default
	acMinLimit    = 3                      // min_concurrency, API default
	acMinWindows  = 5                      // consecutive windows at the minimum that start a new minRTT measurement
)

// EnvoyAC is Envoy's adaptive_concurrency filter: one limit for all routes, no queue, no priorities. Failures and timeouts are
// samples, because Envoy's own 504 is a response like another (issue 8274); clients that leave are not (cancelLatencySample).
// Left out: minRTT fixed by hand (fixed_value) or measured without pinning, both off by default; the race by which in-flight
// passes the limit by the number of workers.
type EnvoyAC struct {
	immediate
	dice    *rand.Rand
	limit   int
	saved   int // the limit from before the pinning; above 0 while minRTT is measured
	epoch   time.Duration
	minRTT  time.Duration
	samples histogram
	atMin   int

	nextUpdate, nextMinRTT time.Duration
}

// NewEnvoyAC makes a controller that begins, as Envoy does, with a minRTT measurement.
func NewEnvoyAC(s Settings) sim.Policy {
	return &EnvoyAC{dice: s.dice(1), limit: acMinLimit, saved: acMinLimit, nextUpdate: acUpdateEvery, nextMinRTT: never}
}

// never is later than any simulation.
const never = time.Duration(math.MaxInt64)

// Arrive runs the request if the limit has room.
func (p *EnvoyAC) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	p.timers(now)
	if p.inFlight >= p.limit {
		return refuse(r, "limit")
	}
	return p.run(now, r)
}

// Done takes the latency as a sample.
func (p *EnvoyAC) Done(now time.Duration, r *sim.Request, o sim.Outcome) {
	p.timers(now)
	f, latency, ok := p.end(now, r)
	if !ok || o == sim.Abandoned || f.began < p.epoch {
		return
	}
	p.samples.add(latency)
	if p.saved > 0 && p.samples.n >= acMinRTTCount {
		p.finishMinRTT(now)
	}
}

// Tick runs what is due.
func (p *EnvoyAC) Tick(now time.Duration) { p.timers(now) }

// TickEvery is the update interval.
func (p *EnvoyAC) TickEvery() time.Duration { return acUpdateEvery }

// Limit is the limit in force.
func (p *EnvoyAC) Limit() float64 { return float64(p.limit) }

// timers does what Envoy's two timers would have done by now.
func (p *EnvoyAC) timers(now time.Duration) {
	if now >= p.nextMinRTT && p.saved == 0 {
		p.startMinRTT(now)
	}
	if p.saved > 0 || now < p.nextUpdate {
		return
	}
	p.nextUpdate = now + acUpdateEvery
	if p.samples.n == 0 {
		return
	}
	rtt := p.samples.quantile(acPercentile)
	p.samples.clear()
	p.set(acNextLimit(p.limit, p.minRTT, rtt))
	if p.atMin >= acMinWindows {
		p.nextMinRTT = now
	}
}

// acNextLimit is calculateNewLimit: gradient = clamp((minRTT + buffer) ÷ sampleRTT, 0.5, 2); the burst headroom is the root.
func acNextLimit(limit int, minRTT, sampleRTT time.Duration) int {
	gradient := 2.0
	if sampleRTT > 0 {
		gradient = min(2, max(0.5, float64(minRTT)*(1+acBuffer)/float64(sampleRTT)))
	}
	scaled := float64(limit) * gradient
	return min(acMaxLimit, max(acMinLimit, int(scaled+math.Sqrt(scaled))))
}

// startMinRTT pins the limit to the minimum and throws away what was sampled before.
func (p *EnvoyAC) startMinRTT(now time.Duration) {
	p.saved = p.limit
	p.nextMinRTT = never
	p.set(acMinLimit)
	p.samples.clear()
	p.epoch = now
}

func (p *EnvoyAC) finishMinRTT(now time.Duration) {
	p.minRTT = p.samples.quantile(acPercentile)
	p.samples.clear()
	p.set(p.saved)
	p.saved = 0
	jitter := int64(math.Ceil(float64(acMinRTTEvery/time.Millisecond) * acJitter))
	p.nextMinRTT = now + acMinRTTEvery + time.Duration(p.dice.Int64N(jitter))*time.Millisecond
	p.nextUpdate = now + acUpdateEvery
}

func (p *EnvoyAC) set(limit int) {
	if p.saved == 0 && p.limit == acMinLimit && limit == acMinLimit {
		p.atMin++
	} else {
		p.atMin = 0
	}
	p.limit = limit
}
