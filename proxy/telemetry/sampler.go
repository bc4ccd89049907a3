package telemetry

import (
	"sync/atomic"
	"time"
)

// sampler lets a number of lines a second pass, with as many at once. It is the generic cell rate algorithm (ITU-T
// I.371, annex A): one number, the time until which the lines that passed have used up the rate.
type sampler struct {
	// interval is the time that one line uses up, burst how far ahead of the clock they may run; both in nanoseconds.
	interval, burst int64
	until           atomic.Int64
	start           time.Time
}

// setRate sets the rate in lines a second: none pass at 0 or below.
func (s *sampler) setRate(rate float64) {
	s.start = time.Now()
	if rate <= 0 {
		s.burst = -1
		return
	}
	// Beyond one line a nanosecond every line passes anyway, and an interval slower than a year says never.
	const slowest = float64(365 * 24 * time.Hour)
	s.interval = int64(min(float64(time.Second)/rate, slowest))
	s.burst = max(int64(time.Second), s.interval)
}

// take reports whether a line may pass now.
func (s *sampler) take() bool {
	now := int64(time.Since(s.start))
	for {
		until := s.until.Load()
		next := max(until, now) + s.interval
		if next-now > s.burst {
			return false
		}
		if s.until.CompareAndSwap(until, next) {
			return true
		}
	}
}
