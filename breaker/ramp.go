package breaker

import "time"

// rampFloor is the share that passes right after closing.
const rampFloor = 0.1

// ramp spaces out the requests that pass after closing. Times are measured as in evidence.
type ramp struct {
	from, length time.Duration
	// credit is the share of a request that is saved up, below 1.
	credit float64
}

// newRamp lets the first request pass.
func newRamp(from, length time.Duration) ramp {
	return ramp{from: from, length: length, credit: 1 - rampFloor}
}

// share is the part of the requests that passes at a time.
func (r ramp) share(at time.Duration) float64 {
	done := float64(at-r.from) / float64(r.length)
	return rampFloor + (1-rampFloor)*min(1, max(0, done))
}

func (r ramp) over(at time.Duration) bool { return at-r.from >= r.length }

// next counts one request and reports whether it passes.
func (r ramp) next(at time.Duration) (ramp, bool) {
	r.credit += r.share(at)
	if r.credit < 1 {
		return r, false
	}
	r.credit--
	return r, true
}
