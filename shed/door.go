package shed

import (
	"math"
	"sync/atomic"
	"time"
)

// The rules of this file are: whatever is here may be touched at any time by anybody, without a lock, and nobody ever waits. What
// only the controller may touch, under its lock, is elsewhere.

// notice is what the controller tells the requests of a route that come without the lock. They all read it and only the controller
// writes it, so it has a cache line of its own.
type notice struct {
	// base holds the bits of the baseline with the accepted slowness, in seconds.
	base atomic.Uint64
	// spared holds the bits of the cohort from which on the level refuses, of first tries and of retries; above any cohort if it refuses
	// none. See Controller.spared.
	spared, sparedRetries atomic.Uint64
	// sign is that of the domain that the route belongs to.
	sign atomic.Pointer[sign]
	// cells are there once the route is busy.
	cells atomic.Pointer[[stripes]cell]
	// class is the route's, and in the next byte what its retries count as; learning is set while it has no learned baseline.
	class    atomic.Uint32
	learning atomic.Bool
	grouped  atomic.Bool // the route is in a group
	_        [12]byte
}

// door counts the requests of a route that come and go without the lock. It is one cache line, and the only one that all requests of
// the route write.
type door struct {
	// word holds three numbers, so that they can only change together: how many are in flight, how many may be (0: the door is
	// shut, the controller decides), and a count of the changes.
	word atomic.Uint64
	// lastRun is when a request was last let in.
	lastRun atomic.Int64
	// refusedAt and refusing are when the newest refusal was, and why.
	refusedAt atomic.Int64
	refusing  atomic.Uint32
	// peak is the largest number in flight since it was last taken away.
	peak atomic.Int32
	_    [32]byte
}

const (
	flightBits = 26
	// flightMost is the most that can be counted in flight of one route without the lock; far beyond what a process can hold.
	flightMost = 1<<flightBits - 1
	oneMore    = uint64(1)
	oneChange  = uint64(1) << (2 * flightBits)
)

func flights(word uint64) int { return int(word & flightMost) }
func allowed(word uint64) int { return int(word >> flightBits & flightMost) }

// in lets one more in unless as many are in as may be. starts is the sum of the start times to which the request adds its own.
func (d *door) in(starts *atomic.Int64, now time.Duration) bool {
	word := d.word.Load()
	if flights(word) >= allowed(word) {
		return false
	}
	// The start is in the sum before the request is in the count: whoever reads the count first and then the sum never finds a
	// request without its start, which would look as old as the process.
	starts.Add(int64(now))
	for !d.word.CompareAndSwap(word, word+oneMore+oneChange) {
		if word = d.word.Load(); flights(word) >= allowed(word) {
			starts.Add(-int64(now))
			return false
		}
	}
	inFlight := int32(flights(word) + 1)
	for peak := d.peak.Load(); inFlight > peak && !d.peak.CompareAndSwap(peak, inFlight); {
		peak = d.peak.Load()
	}
	return true
}

// out counts one less in flight, unless the door is shut.
func (d *door) out() bool {
	for {
		word := d.word.Load()
		if allowed(word) == 0 {
			return false
		}
		if d.word.CompareAndSwap(word, word-oneMore+oneChange) {
			return true
		}
	}
}

// open opens a door that is shut. limit is at least 1.
func (d *door) open(limit, inFlight int) {
	change := (d.word.Load() + oneChange) &^ (oneChange - 1)
	d.word.Store(change | uint64(limit)<<flightBits | uint64(inFlight))
}

// resize changes how many may be in flight, while the door is open.
func (d *door) resize(limit int) {
	for {
		word := d.word.Load()
		if allowed(word) == limit {
			return
		}
		next := (word+oneChange)&^(flightMost<<flightBits) | uint64(limit)<<flightBits
		if d.word.CompareAndSwap(word, next) {
			return
		}
	}
}

// shut shuts the door and says how many are in flight: that number stands until the door is opened again.
func (d *door) shut() (inFlight int) {
	for {
		word := d.word.Load()
		if d.word.CompareAndSwap(word, (word+oneChange)&^(flightMost<<flightBits)) {
			return flights(word)
		}
	}
}

// sign says from which place on nobody is let into a domain's waiting room, because it is full of better ones.
type sign struct {
	// from is that place plus 1; 0: whoever comes is let in, or the controller is to be asked.
	from atomic.Uint64
	// until is when that may be over by itself.
	until atomic.Int64
	// since is since when there is a group; negative: the domain is a route by itself.
	since atomic.Int64
}

// cell gathers what the requests of a route leave behind between two ticks. It is one cache line; a busy route has a cell for each
// stripe of its tickets.
type cell struct {
	arrivals atomic.Int64 // and in the upper half how many of them said that they are retries
	starts   atomic.Int64 // sum of the start times of what is in flight; stays when the rest is taken away
	// Successes: their number, and in the upper half how many of them were slow, the sum of their times to first byte, and the bits of the
	// sum of their squares, in seconds².
	successes atomic.Int64
	sum       atomic.Int64
	squares   atomic.Uint64
	// Other outcomes: two numbers in each word, the first of them in the upper half.
	completedSamples atomic.Uint64
	errorsLost       atomic.Uint64
	otherSum         atomic.Int64 // of the samples among them
}

const (
	upper = uint64(1) << 32
	lower = uint64(1)
	// retryArrival counts a retry among a cell's arrivals.
	retryArrival = int64(1) << 32
	// slowSuccess counts a slow one among its successes.
	slowSuccess = int64(1) << 32
)

// file takes an outcome in; package comment, point 1. No time at all is no sample: the clock stood still, or all of it was spent on waiting
// for the client. base is the scaled baseline in seconds, 0 if there is none. quick reports a
// failure that came sooner than that.
func (c *cell) file(o Outcome, took time.Duration, base float64) (quick bool) {
	seconds := took.Seconds()
	switch o {
	case NotSent:
		return false
	case Success:
		if took > 0 {
			c.succeed(took, base > 0 && seconds > slowFrom*base)
		} else {
			c.completedSamples.Add(upper)
		}
		return false
	case Abandoned:
		c.errorsLost.Add(lower)
		if base > 0 && seconds > 2*base {
			c.sample(took)
		}
		return false
	case Timeout:
		c.errorsLost.Add(upper + lower)
	case Failure:
		c.errorsLost.Add(upper)
	}
	c.completedSamples.Add(upper)
	if o == Timeout && took > 0 || base > 0 && seconds > 1.5*base {
		c.sample(took)
		return false
	}
	return o == Failure && seconds < base
}

// aside takes an outcome in that says nothing of how fast the backend is: an error, if it is one, without a time.
func (c *cell) aside(o Outcome) {
	if o != Abandoned {
		c.errorsLost.Add(upper)
		c.completedSamples.Add(upper)
	}
}

// succeed files a success.
func (c *cell) succeed(took time.Duration, slow bool) {
	c.sum.Add(int64(took))
	if slow {
		c.successes.Add(1 + slowSuccess)
	} else {
		c.successes.Add(1)
	}
	seconds := took.Seconds()
	for {
		bits := c.squares.Load()
		if c.squares.CompareAndSwap(bits, math.Float64bits(math.Float64frombits(bits)+seconds*seconds)) {
			return
		}
	}
}

// sample files the time of another outcome that says how long the backend takes.
func (c *cell) sample(took time.Duration) {
	c.otherSum.Add(int64(took))
	c.completedSamples.Add(lower)
}

// stripes is the number of cells of a busy route: as many cores can file at the same time without getting into each other's way.
const stripes = 16

// tally counts what is in flight of all routes together.
type tally [stripes]struct {
	n atomic.Int64
	_ [56]byte // a cache line each
}

func (t *tally) add(stripe uint8, n int64) { t[stripe%stripes].n.Add(n) }

func (t *tally) total() (n int64) {
	for i := range t {
		n += t[i].n.Load()
	}
	return n
}
