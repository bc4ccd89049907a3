package shed

import "time"

// stallAt is how late a tick means that this process stood still.
const stallAt = 5 * tickEvery / 2

// stood reports whether the time since the tick before says nothing about the backend: this process stood still meanwhile, or its
// clock was set. That time is taken out of what was under way.
func (c *Controller) stood(now time.Duration) bool {
	if c.lastTick < 0 {
		return false
	}
	gap, before := now-c.lastTick, c.frozen
	c.frozen = gap == 0 // the clock was set back, and is waited for
	if gap > stallAt || c.frozen {
		c.lose(gap - tickEvery)
		return true
	}
	return before // what ends now may have begun while the clock stood
}

// lose takes time out of the age of everything that is under way: it was not spent on waiting for the backend. Less than none is
// time that passed while the clock stood.
func (c *Controller) lose(d time.Duration) {
	c.lost += d
	for _, r := range c.routes {
		r.starts += d * time.Duration(r.inFlight)
	}
}
