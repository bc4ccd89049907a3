package level_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed/level"
)

// Whatever is fed in, in whatever order of time, the level stays a number between none and all of the classes below.
func TestOddSamples(t *testing.T) {
	odd := []float64{0, 0.02, 0.3, 0.9, 1, -1, 1e300, math.Inf(1), math.NaN()}
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) float64 { return rapid.SampledFrom(odd).Draw(t, name) }
		count := func(name string) int { return rapid.SampledFrom([]int{0, 1, 5, 50, -1, math.MaxInt32}).Draw(t, name) }
		shares := make([]float64, rapid.IntRange(0, 4).Draw(t, "classes below"))
		var law level.State
		var test level.Test
		now := time.Duration(0)
		for range rapid.IntRange(1, 80).Draw(t, "ticks") {
			now += time.Duration(rapid.Int64Range(-int64(time.Second), int64(3*time.Second)).Draw(t, "dt"))
			for i := range shares {
				shares[i] = number("share")
			}
			completed, errors, objective := count("completed"), count("errors"), number("objective")
			alarmed := test.Add(completed, errors, objective) || rapid.Bool().Draw(t, "alarmed")
			law, _ = law.Next(level.Sample{
				Now: now, Completed: completed, Errors: errors, Settle: time.Duration(rapid.Int64().Draw(t, "settle")), Alarmed: alarmed,
				Recent: number("recent"), RecentN: count("recent n"), Objective: objective, Offered: number("offered"), Shares: shares,
			})
			if !(law.Level >= 0 && law.Level <= float64(len(shares))) {
				t.Fatalf("level %v of %d classes", law.Level, len(shares))
			}
		}
	})
}

// Once it is reset the test has forgotten odd counts.
func TestAlarmAfterOddCounts(t *testing.T) {
	var test level.Test
	for _, v := range []struct {
		completed, errors int
		objective         float64
	}{{-5, -5, 0.02}, {0, 10, 0.02}, {10, -10, 0.02}, {10, 0, math.NaN()}, {math.MaxInt32, 0, 0.02}, {0, 0, math.Inf(1)}} {
		test.Add(v.completed, v.errors, v.objective)
	}
	test.Reset()
	if test.Add(2, 2, 0.02) || !test.Add(1, 1, 0.02) {
		t.Error("three errors in a row raise the alarm, two do not; after odd counts and a reset that is not so")
	}
}
