package window_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed/window"
)

// odd are durations that no backend has, and clocks may give.
var odd = []float64{0, -1, math.Copysign(0, -1), 1e-300, 1e9, 1e300, math.Inf(1), math.Inf(-1), math.NaN(), 0.05}

// Whatever is fed in, whenever, a baseline is a number of seconds between nothing and an hour, and its spread is between 0.1 and 3.
func TestBaselineOfOddTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b window.Baseline
		now := time.Duration(0)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			v := rapid.SampledFrom(odd).Draw(t, "seconds")
			switch rapid.IntRange(0, 6).Draw(t, "op") {
			case 0:
				b.Early(v)
			case 1:
				b.Guess(v)
			case 2:
				b.Fall(v)
			case 3:
				b.Spoil()
			case 4:
				now += time.Duration(rapid.Int64Range(-int64(time.Second), int64(10*time.Second)).Draw(t, "dt"))
				b.Tick(now)
			default:
				n := rapid.SampledFrom([]int{0, -1, 1, 40, math.MaxInt32}).Draw(t, "n")
				sum := rapid.SampledFrom([]time.Duration{0, -1, 1, time.Second, math.MaxInt64, math.MinInt64}).Draw(t, "sum")
				b.Add(n, sum, v)
			}
			if s := b.Seconds(); !(s >= 0 && s <= window.Longest.Seconds()) {
				t.Fatalf("baseline %v", s)
			}
			if cv := b.CV(); !(cv >= 0.1 && cv <= 3) {
				t.Fatalf("spread %v", cv)
			}
			if d := b.Doubt(); !(d >= 0 && d <= 1) {
				t.Fatalf("doubt %v", d)
			}
		}
	})
}

// A clock that stands still teaches nothing: not that the backend answers in no time.
func TestNoTimeIsNoSample(t *testing.T) {
	var b window.Baseline
	now := time.Duration(0)
	feed(&b, &now, 5*time.Second, 10, 0.05)
	for _, seconds := range []float64{0, -3, math.NaN()} {
		for range 50 {
			b.Add(10, time.Duration(min(seconds, 0)), 0)
			now += tick
			b.Tick(now)
		}
		b.Fall(seconds)
		b.Early(seconds)
	}
	if got := b.Seconds(); math.Abs(got-0.05) > 1e-9 {
		t.Errorf("baseline %v after samples of no time; want 0.05 as before", got)
	}
}
