package bucket

import "time"

// maxSkew is how far back a time may be to pass for one that was read earlier than it was used. More is a clock that was set.
const maxSkew = time.Second

// clock turns times that come in any order into ones that never go back. The first time is taken as it is.
type clock struct {
	seen time.Time
	runs time.Time
}

// next gives the clock after it was told the time.
func (c clock) next(now time.Time) clock {
	if c.seen.IsZero() {
		return clock{seen: now, runs: now}
	}
	step := now.Sub(c.seen)
	switch {
	case step >= 0:
		return clock{seen: now, runs: c.runs.Add(step)}
	case step < -maxSkew:
		return clock{seen: now, runs: c.runs}
	}
	return c
}
