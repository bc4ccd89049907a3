package http1_test

import (
	"testing"
	"time"

	"triage/proxy/http1"
)

// Who sends at the rate is waited for for ever, who sends more slowly no longer than the limit and what the bytes were worth, whatever the pieces.
func TestPatience(t *testing.T) {
	const limit, rate = 60 * time.Second, 240
	for _, c := range []struct {
		name  string
		every time.Duration
		bytes int
		want  time.Duration // how long it lasts; 0: for ever
	}{
		{"a byte every 59 s", 59 * time.Second, 1, 118 * time.Second},
		{"a byte a second", time.Second, 1, 61 * time.Second},
		{"half the rate", time.Second, rate / 2, 120 * time.Second},
		{"the rate, second by second", time.Second, rate, 0},
		{"the rate, minute by minute", 60 * time.Second, 60 * rate, 0},
		{"fast", time.Millisecond, 64 << 10, 0},
		{"nothing", time.Second, 0, 60 * time.Second},
	} {
		left, lasted := limit, time.Duration(0)
		for lasted < time.Hour && left > time.Millisecond {
			left = http1.Remaining(left, limit, float64(time.Second)/rate, c.every, c.bytes)
			lasted += c.every
		}
		if c.want == 0 && lasted < time.Hour || c.want > 0 && (lasted < c.want-2*time.Second || lasted > c.want+2*time.Second) {
			t.Errorf("%s: cut after %v, want %v", c.name, lasted, c.want)
		}
	}
	if got := http1.Remaining(time.Second, limit, 0, time.Hour, 1); got != limit {
		t.Errorf("at any rate: %v left, want all of %v", got, limit)
	}
}
