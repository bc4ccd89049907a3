package shed

import "time"

// stallAt is how late a tick means that this process stood still.
const stallAt = 5 * tickEvery / 2

// stood reports whether this process stood still since the tick before, or its clock jumped forward. That time is lost: it was not spent on
// waiting for the backend, and is taken out of the age of what was under way.
func (c *Controller) stood(now time.Duration) bool {
	gap := now - c.lastTick
	if c.lastTick < 0 || gap <= stallAt {
		return false
	}
	c.front.lost.Add(int64(gap - tickEvery))
	return true
}

// lost is how long this process has stood still in all.
func (c *Controller) lost() time.Duration { return time.Duration(c.front.lost.Load()) }
