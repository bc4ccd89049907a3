package limit_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed/limit"
)

// oddNumbers are what clocks and counters may give when something is wrong.
var oddNumbers = []float64{0, -1, 1e-300, 0.05, 1, 3, 40, 1e6, 1e15, math.Inf(1), math.NaN()}

func oddSample(t *rapid.T, now time.Duration) limit.Sample {
	number := func(name string) float64 { return rapid.SampledFrom(oddNumbers).Draw(t, name) }
	count := func(name string) int {
		return rapid.SampledFrom([]int{0, 0, -1, 1, 20, 100, math.MaxInt32}).Draw(t, name)
	}
	return limit.Sample{
		Now: now, Samples: count("samples"), Sum: number("sum"), Base: number("base"), Lost: count("lost"), Y: number("y"), SE: number("se"), CV: number("cv"),
		InFlight: count("in flight"), Waiting: count("waiting"), Peak: count("peak"), Useful: number("useful"), Peaks: number("peaks"), Critical: number("critical"),
	}
}

// "L ≥ 1": whatever is fed in, in whatever order of time, the limit and the scale stay finite numbers of at least one.
func TestOddSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Duration(0)
		odd := func(name string) float64 { return rapid.SampledFrom(oddNumbers).Draw(t, name) }
		law := limit.Open(now, odd("in flight at first"), odd("headroom at first"), odd("scale at first"))
		for range rapid.IntRange(1, 60).Draw(t, "ticks") {
			now += time.Duration(rapid.Int64Range(-int64(time.Second), int64(time.Second)).Draw(t, "dt"))
			switch rapid.IntRange(0, 9).Draw(t, "op") {
			case 0:
				law = law.Grow(odd("headroom"), odd("peak"))
			default:
				law, _ = law.Next(oddSample(t, now))
			}
			if !(law.Limit >= 1) || !(law.Scale >= 1) || math.IsInf(law.Limit, 0) || math.IsInf(law.Scale, 0) {
				t.Fatalf("limit %v, scale %v", law.Limit, law.Scale)
			}
		}
	})
}

// A crowd that waits although there is room, for ever, does not make the limit grow beyond all numbers.
func TestTheLimitStaysFinite(t *testing.T) {
	law := limit.Open(0, 10, 10, 1)
	for now := tick; now < time.Hour; now += tick {
		law, _ = law.Next(limit.Sample{Now: now, Samples: 1000, Sum: 1, Base: 1, Y: 1, Waiting: 1, InFlight: math.MaxInt32, Peak: math.MaxInt32, Useful: 1e9, Peaks: 1e9})
	}
	if math.IsInf(law.Limit, 0) || math.IsNaN(law.Limit) {
		t.Errorf("limit %v", law.Limit)
	}
}
