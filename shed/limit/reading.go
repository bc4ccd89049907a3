package limit

import (
	"math"
	"time"
)

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
