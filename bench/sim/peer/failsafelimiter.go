package peer

import (
	"math"
	"time"
)

// failsafe-go v0.9.8, adaptivelimiter.NewBuilder.
const (
	failsafeInitial     = 20
	failsafeMin         = 1
	failsafeMax         = 200
	failsafeMaxFactor   = 5 // × in-flight
	failsafeWindow      = time.Second
	failsafeWindowMax   = 30 * time.Second
	failsafeSamples     = 50
	failsafeQuantile    = 0.9
	failsafeBaseline    = 10 // age of the baseline's average
	failsafeCorrelation = 50 // windows
	failsafeSmooth      = 5  // windows of the median and of the average after it
	failsafeWarmup      = 10 // samples of averages and correlations
)

// failsafeLimiter is AdaptiveLimiter's limit: Vegas against a moving baseline, held back by correlations.
type failsafeLimiter struct {
	limit      float64
	recent     histogram
	fastest    time.Duration
	maxFlight  int
	median     series
	smoothed   warmAverage
	baseline   warmAverage
	inFlight   series
	throughput series
	rtt        series
	nextUpdate time.Duration
}

func newFailsafeLimiter() failsafeLimiter {
	window := series{size: failsafeCorrelation}
	return failsafeLimiter{
		limit: failsafeInitial, median: series{size: failsafeSmooth},
		smoothed: warmAverage{window: failsafeSmooth, warmup: failsafeWarmup},
		baseline: warmAverage{window: failsafeBaseline, warmup: failsafeWarmup},
		inFlight: window, throughput: window, rtt: window,
	}
}

func (l *failsafeLimiter) whole() int { return int(l.limit) }

func (l *failsafeLimiter) sample(latency time.Duration, inFlight int) {
	latency = max(1, latency)
	if l.recent.n == 0 || latency < l.fastest {
		l.fastest = latency
	}
	l.recent.add(latency)
	l.maxFlight = max(l.maxFlight, inFlight)
}

// update ends the window if it is long and full enough.
func (l *failsafeLimiter) update(now time.Duration, full bool) {
	if now <= l.nextUpdate || l.recent.n < failsafeSamples {
		return
	}
	l.median.add(float64(l.recent.quantile(failsafeQuantile)))
	l.move(l.smoothed.add(l.median.median()), l.maxFlight, full)
	l.nextUpdate = now + min(max(2*l.fastest, failsafeWindow), failsafeWindowMax)
	l.recent.clear()
	l.maxFlight = 0
}

// move is updateLimit: queue = ceil(limit · (1 − baseline ÷ recent)).
func (l *failsafeLimiter) move(rtt float64, inFlight int, full bool) {
	queue := int(math.Ceil(l.limit * (1 - l.baseline.add(rtt)/rtt)))
	l.inFlight.add(float64(inFlight))
	l.throughput.add(float64(inFlight) / rtt)
	l.rtt.add(rtt)
	throughputCorr, throughputCV := correlate(l.inFlight.values, l.throughput.values)
	rttCorr, _ := correlate(l.inFlight.values, l.rtt.values)

	unit := float64(log10Floor(l.whole()))
	next := l.limit + unit*float64(failsafeChange(queue, log10Floor(l.whole()), full, throughputCorr, throughputCV, rttCorr))
	if highest := float64(inFlight * failsafeMaxFactor); next > highest {
		next = highest
		if l.limit > highest {
			next = l.limit - unit
		}
	}
	l.limit = max(failsafeMin, min(failsafeMax, next))
}

// failsafeChange is computeChange: +1, −1 or 0 units.
func failsafeChange(queue, unit int, full bool, throughputCorr, throughputCV, rttCorr float64) int {
	switch {
	case queue > 6*unit:
		return -1
	case full && throughputCorr < 0:
		return -1
	case full && throughputCorr < 0.3 && rttCorr > 0.5:
		return -1
	case full && throughputCV < 0.2 && rttCorr > 0.5:
		return -1
	case queue < 3*unit:
		return 1
	}
	return 0
}

// log10Floor is util.Log10Func: 1 below a hundred, 2 below a thousand.
func log10Floor(limit int) int { return max(1, int(math.Log10(float64(max(1, limit))))) }

// correlate is CorrelationWindow.Add: nothing before the warm-up or where either varies by less than 1 %.
func correlate(x, y []float64) (correlation, cvY float64) {
	meanX, devX := spread(x)
	meanY, devY := spread(y)
	if len(x) < failsafeWarmup {
		return 0, 0
	}
	cvX, cvY := devX/meanX, devY/meanY
	if cvX < 0.01 || cvY < 0.01 {
		return 0, cvY
	}
	return covariance(x, y) / (devX * devY), cvY
}
