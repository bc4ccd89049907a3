package http1

import "time"

// patience is how long somebody who sends may keep us waiting: as long as the limit at first. Time that was spent waiting is taken off, and
// bytes earn it back, up to the limit, a second for as many as the rate says. So who sends at the rate at least, on average, is waited for for
// ever, and who sends more slowly no longer than the limit, however he spreads his bytes.
type patience struct {
	limit time.Duration
	// perByte is what a byte earns; 0: any byte earns it all.
	perByte float64
}

// leastPatience is what is left to somebody who has used it up: bytes that are there already are taken.
const leastPatience = time.Millisecond

// Bear says how long the client may stand still, and how many bytes a second it has to send when it has used that up; 0 is any number.
func (c *Call) Bear(limit time.Duration, rate int64) {
	c.patience = patience{limit: limit}
	if rate > 0 {
		c.patience.perByte = float64(time.Second) / float64(rate)
	}
	c.Patience = limit
}

// Waited tells that the client was waited for, and how many bytes that brought.
func (c *Call) Waited(waited time.Duration, bytes int) {
	if c.patience.perByte == 0 {
		return
	}
	c.Patience = Remaining(c.Patience, c.patience.limit, c.patience.perByte, waited, bytes)
}

// Remaining is what is left of a patience when somebody was waited for, and that brought bytes; perByte is the nanoseconds that one earns, 0 is all.
func Remaining(left, limit time.Duration, perByte float64, waited time.Duration, bytes int) time.Duration {
	if perByte == 0 {
		return limit
	}
	left += time.Duration(min(perByte*float64(bytes), float64(limit))) - waited
	return max(min(left, limit), min(leastPatience, limit))
}
