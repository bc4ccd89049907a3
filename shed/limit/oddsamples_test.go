package limit_test

import (
	"math"
	"math/rand/v2"
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

// "Neither moves while y is unknown; neither moves without a reason", whatever is fed in.
func TestAMoveCarriesItsReason(t *testing.T) {
	moves := 0
	rapid.Check(t, func(t *rapid.T) {
		law := limit.Open(0, 50, 80, 1)
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "dice"), 1))
		crowd := rapid.Float64Range(0.5, 4).Draw(t, "crowd")
		for now := tick; now < 20*time.Second; now += tick {
			if dice.IntN(40) == 0 {
				crowd = 0.5 + 4*dice.Float64()
			}
			n, y := dice.IntN(60), crowd*math.Exp(0.1*dice.NormFloat64())
			if dice.IntN(10) == 0 {
				y = 0
			}
			before := law
			var why limit.Reason
			law, why = law.Next(limit.Sample{
				Now: now, Samples: n, Sum: float64(n) * base * crowd, Base: float64(n) * base, Y: y, SE: 0.05, InFlight: int(math.Min(law.Limit, 200)), Peak: int(math.Min(law.Limit, 200)),
				Waiting: dice.IntN(3), Useful: 40 * math.Min(1, law.Limit/40), Peaks: 30, Critical: 60 * dice.Float64(), Lost: n * dice.IntN(2) / 8,
			})
			moved := law.Limit != before.Limit || law.Scale != before.Scale
			if moved {
				moves++
			}
			if moved && (why == limit.None || y == 0) {
				t.Fatalf("at %v, in phase %v, y %.2f: limit %.2f → %.2f, scale %.2f → %.2f, reason %q", now, before.Phase, y, before.Limit, law.Limit, before.Scale, law.Scale, why)
			}
		}
	})
	if moves < 1000 {
		t.Errorf("%d moves; want 1,000 at least: the samples show nothing", moves)
	}
}
