package breaker

import "time"

const (
	// setBack is by how much time has to go back to be a clock that was set back. Less is callers who overtook each other.
	setBack = time.Second
	// leap is the most that a step forward counts for: everything that a breaker waits for is over by then, and a clock that swings
	// to and fro does not run over.
	leap = 30 * 24 * time.Hour
	// farthest bounds the times that are believed, 73 years either way.
	farthest = time.Duration(1) << 61
)

// clock makes a time that only goes forward out of one that may not. A small step back counts as the latest time seen; after a
// large one time goes on from there, or a breaker that saw a clock an hour ahead would stand still for that hour.
type clock struct {
	latest time.Duration
	ahead  time.Duration // of the caller's time
}

func (c *clock) at(now time.Duration) time.Duration {
	now = min(max(now, -farthest), farthest)
	switch at := now + c.ahead; {
	case at-c.latest > leap:
		c.latest += leap
		c.ahead = c.latest - now
	case at >= c.latest:
		c.latest = at
	case c.latest-at > setBack:
		c.ahead = c.latest - now
	}
	return c.latest
}
