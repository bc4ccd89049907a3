package shed

import "time"

// stallAt is how late a tick means that this process stood still.
const stallAt = 5 * tickEvery / 2

// stood reports whether this process stood still since the tick before, or its clock jumped forward. That time is taken out of what was
// under way: it was not spent on waiting for the backend.
func (c *Controller) stood(now time.Duration) bool {
	gap := now - c.lastTick
	if c.lastTick < 0 || gap <= stallAt {
		return false
	}
	c.lost += gap - tickEvery
	for _, r := range c.routes {
		r.starts += (gap - tickEvery) * time.Duration(r.inFlight)
	}
	return true
}
