package shed

import (
	"math"
	"time"

	"triage/shed/window"
)

// busyTick is the number of arrivals in a tick from which a route has a cell for each stripe: 10,000 requests a second. Below that two
// cores want the one cell at the same time less than once in a thousand requests, for a request is done with it in 100 ns.
const busyTick = 1000

// gather takes what requests have left behind since the last tick, so that measure finds it in the route's plain fields.
func (r *Route) gather(now, lost time.Duration) {
	r.look(now, lost)
	r.tick.Peak = max(r.tick.Peak, int(r.door.peak.Swap(0)))
	r.take(&r.own)
	if cells := r.notice.cells.Load(); cells != nil {
		for i := range cells {
			r.take(&cells[i])
		}
	} else if r.tick.Arrivals >= busyTick {
		r.notice.cells.Store(new([stripes]cell))
	}
	if r.quiet++; r.tick != (window.Tick{}) {
		r.quiet = 0
	}
}

// take empties a cell.
func (r *Route) take(c *cell) {
	if n := c.arrivals.Load(); n != 0 {
		n := c.arrivals.Swap(0)
		r.tick.Arrivals += int(n % retryArrival)
		r.retries += int(n / retryArrival)
	}
	if n := c.successes.Load(); n != 0 {
		word := c.successes.Swap(0)
		n, slow := int(word%slowSuccess), int(word/slowSuccess)
		sum := time.Duration(c.sum.Swap(0))
		r.tick.Slow += slow
		if r.scaled() > 0 {
			r.base.AddSlow(n, slow)
		}
		r.base.Add(n, sum, math.Float64frombits(c.squares.Swap(0)))
		r.tick.Completed += n
		r.tick.Samples += n
		r.tick.Sum += sum
	}
	if n := c.completedSamples.Load() | c.errorsLost.Load(); n != 0 {
		completedSamples, errorsLost := c.completedSamples.Swap(0), c.errorsLost.Swap(0)
		r.tick.Completed += int(completedSamples / upper)
		r.tick.Samples += int(completedSamples % upper)
		r.tick.Slow += int(completedSamples % upper)
		r.tick.Errors += int(errorsLost / upper)
		r.tick.Lost += int(errorsLost % upper)
		r.tick.Sum += time.Duration(c.otherSum.Swap(0))
	}
}

// look brings the route's plain fields up to date. While the door is open the numbers are those of one moment, or, should
// requests come and go so fast that no such moment is found, there are none in flight whose age is known.
func (r *Route) look(now, lost time.Duration) {
	r.refusing, r.refusedAt = Reason(r.door.refusing.Load()), time.Duration(r.door.refusedAt.Load())
	if !r.open {
		r.starts = r.sumStarts() + lost*time.Duration(r.inFlight)
		return
	}
	for range 4 {
		word := r.door.word.Load()
		starts := r.sumStarts()
		r.count(flights(word))
		r.starts = now * time.Duration(r.inFlight)
		if r.door.word.Load() == word {
			r.starts = starts + lost*time.Duration(r.inFlight)
			return
		}
	}
}

func (r *Route) sumStarts() time.Duration {
	sum := r.own.starts.Load()
	if cells := r.notice.cells.Load(); cells != nil {
		for i := range cells {
			sum += cells[i].starts.Load()
		}
	}
	return time.Duration(sum)
}
