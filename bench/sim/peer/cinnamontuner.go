package peer

import (
	"math"
	"slices"
	"time"
)

// Constants of "Cinnamon Auto-Tuner: Adaptive Concurrency in the Wild", and of what it builds on.
const (
	tunerSamples = 250             // an interval has at least so many samples
	tunerLength  = 3 * time.Second // and is at least so long
	tunerUpdate  = 5 * time.Second // between two moves of the limit
	tunerHistory = 50              // intervals
	tunerP       = 0.90            // percentile of an interval

	// TCP Vegas as in Netflix's VegasLimit.java: all in units of log10 of the limit.
	vegasAlpha = 3.0
	vegasBeta  = 6.0

	// Quarkus load-shedding, which is modelled on Cinnamon: initial and maximum limit. The posts give none.
	tunerInitial = 100
	tunerMax     = 1000
	tunerMin     = 3 // ours
	// Ours: a covariance of fewer intervals says nothing; ten as in failsafe-go.
	tunerWarmup = 10
)

// tuner moves the in-flight limit: Vegas on the 90th percentile against the lowest of the history, and down whenever in-flight and
// throughput have moved against each other, which keeps the target from drifting up with the limit. The post smooths the
// percentiles further without giving constants; left out, which makes it faster.
type tuner struct {
	limit      float64
	samples    histogram
	began      time.Duration
	flights    float64
	maxFlight  int
	closed     bool
	p90        series
	inFlight   series
	throughput series
	peak       int
	nextUpdate time.Duration
}

func newTuner() tuner {
	return tuner{
		limit: tunerInitial, nextUpdate: tunerUpdate,
		p90: series{size: tunerHistory}, inFlight: series{size: tunerHistory}, throughput: series{size: tunerHistory},
	}
}

func (t *tuner) whole() int { return int(t.limit) }

func (t *tuner) observe(now, latency time.Duration, inFlight int) {
	if t.samples.n == 0 {
		t.began = now
	}
	t.samples.add(latency)
	t.flights += float64(inFlight)
	t.maxFlight = max(t.maxFlight, inFlight)
	length := now - t.began
	if t.samples.n < tunerSamples || length < tunerLength {
		return
	}
	t.p90.add(float64(t.samples.quantile(tunerP)))
	t.inFlight.add(t.flights / float64(t.samples.n))
	t.throughput.add(float64(t.samples.n) / length.Seconds())
	t.peak, t.closed = t.maxFlight, true
	t.samples.clear()
	t.flights, t.maxFlight = 0, 0
}

// update moves the limit, when it is time and an interval has ended since.
func (t *tuner) update(now time.Duration) {
	if now < t.nextUpdate || !t.closed {
		return
	}
	t.nextUpdate, t.closed = now+tunerUpdate, false
	t.limit = min(tunerMax, max(tunerMin, t.limit+t.step()))
}

func (t *tuner) step() float64 {
	unit := max(1, math.Log10(t.limit))
	if 2*t.peak < int(t.limit) {
		return 0 // VegasLimit: nothing is learned while the limit is not in use
	}
	if len(t.p90.values) >= tunerWarmup && covariance(t.inFlight.values, t.throughput.values) < 0 {
		return -unit
	}
	newest := t.p90.values[len(t.p90.values)-1]
	return vegasStep(t.limit, slices.Min(t.p90.values), newest)
}

// vegasStep estimates the queue as limit · (1 − target ÷ latency): short of one unit it grows by β, short of α by a unit, above β it
// shrinks by a unit.
func vegasStep(limit, target, latency float64) float64 {
	unit := max(1, math.Log10(limit))
	queue := math.Ceil(limit * (1 - target/latency))
	switch {
	case queue <= unit:
		return vegasBeta * unit
	case queue < vegasAlpha*unit:
		return unit
	case queue > vegasBeta*unit:
		return -unit
	}
	return 0
}
