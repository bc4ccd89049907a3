package limit

import (
	"math"
	"time"
)

// reading is what was measured at one held limit. The zero value knows nothing.
type reading struct {
	limit     float64
	began     time.Duration
	samples   int
	lost      int
	sum, base float64
	cv        float64
	took      time.Duration
	// earlySum and earlyBase are sum and base of about the first half.
	earlySum, earlyBase float64
}

// add puts a tick into the reading.
func (r reading) add(in Sample, enough int) reading {
	r.samples += in.Samples
	r.lost += in.Lost
	r.sum += in.Sum
	r.base += in.Base
	r.took = in.Now - r.began
	r.cv = in.CV
	if r.earlyBase == 0 || 2*r.samples <= enough {
		r.earlySum, r.earlyBase = r.sum, r.base
	}
	return r
}

// full reports whether the reading says enough.
func (r reading) full(enough int) bool {
	return r.samples >= enough && r.took >= collectLeast || r.took >= collectFor && r.samples >= minCollect
}

// enough is how many samples a reading needs: the error of a mean falls with their root, and is in proportion to their spread.
func enough(in Sample) int {
	cv := in.CV
	if cv == 0 {
		cv = usualCV
	}
	return int(math.Min(math.Max(collectFew, collect*cv*cv/(usualCV*usualCV)), collectMost))
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

// concurrency is how many were in flight, by Little's law.
func (r reading) concurrency() float64 { return r.sum / math.Max(r.took.Seconds(), 1e-3) }

// starves reports that evidently less work is done than in the other reading.
func (r reading) starves(other reading) bool {
	error := math.Max(r.cv, 0.3) * math.Sqrt(1/float64(max(r.samples, 1))+1/float64(max(other.samples, 1)))
	return math.Log(other.rate()/math.Max(r.rate(), 1e-9)) > math.Max(lessWork, sureOf*error)
}
