package load

import (
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Outcome is how a request ended, seen by its client; the package comment says what each means.
type Outcome uint8

// The outcomes.
const (
	Served Outcome = iota
	Degraded
	Refused
	Failed
	GaveUp  // failed: nothing by the deadline
	Overrun // failed: never sent, too many in flight
	Aborted // the run was cut short
)

// Histograms hold microseconds with three significant figures: an error of at most 0.1 %.
const (
	lowest  = 1
	figures = 3
)

// tally counts the results of one class. One lock for each class, held for about a hundred nanoseconds, is enough for
// 50,000 requests a second.
type tally struct {
	class    string
	deadline time.Duration

	mu     sync.Mutex
	total  cell
	phases []cell
	recent ring
}

// cell is the results of one stretch of time. The histogram is made when there is something to put into it.
type cell struct {
	counts  Counts
	latency *hdrhistogram.Histogram
}

// Ending is what is known of a request when it has ended.
type Ending struct {
	Arrival
	How Outcome
	// Latency is from the intended instant, Ended is since the run began.
	Latency, Ended time.Duration
	// Late is set if it was sent more than 5 ms behind.
	Late bool
	// Answer is what came, without its body, which has been read; nil if nothing did. With Lean it has its status and the fields
	// Proxy-Status, Retry-After, X-Triage-Degraded and that of Settings.Keep alone.
	Answer *http.Response
	// Err is what went wrong, nil if a whole answer came.
	Err error
}

func newTally(class string, phases int, deadline time.Duration) *tally {
	return &tally{class: class, deadline: deadline, phases: make([]cell, phases)}
}

func (t *tally) offer(phase int, at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.counts.Offered++
	t.phases[phase].counts.Offered++
	t.recent.at(at).Offered++
}

func (t *tally) end(e Ending) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recent.at(e.Ended).add(e)
	for _, c := range []*cell{&t.total, &t.phases[e.Phase]} {
		c.counts.add(e)
		if e.How == Served || e.How == Degraded || e.How == GaveUp {
			c.recordLocked(min(e.Latency, t.deadline), t.deadline)
		}
	}
}

func (c *cell) recordLocked(latency, longest time.Duration) {
	if c.latency == nil {
		c.latency = hdrhistogram.New(lowest, max(longest.Microseconds(), 2*lowest), figures)
	}
	// A latency is clipped to the deadline, so it is in range and there is no error.
	_ = c.latency.RecordValue(max(latency.Microseconds(), lowest))
}

// figuresLocked reads percentiles at the upper end of their bucket, which may lie beyond the longest latency there is.
func (c *cell) figuresLocked(longest time.Duration) Figures {
	f := Figures{Counts: c.counts}
	if c.latency != nil {
		at := c.latency.ValueAtPercentilesSlice([]float64{50, 90, 99, 100})
		for i, into := range []*time.Duration{&f.P50, &f.P90, &f.P99, &f.Max} {
			*into = min(time.Duration(at[i])*time.Microsecond, longest)
		}
	}
	return f
}

func (c *Counts) add(e Ending) {
	if e.Late {
		c.Late++
	}
	switch e.How {
	case Served:
		c.Served++
	case Degraded:
		c.Degraded++
	case Refused:
		c.Refused++
	case Failed:
		c.Failed++
	case GaveUp:
		c.Failed++
		c.GaveUp++
	case Overrun:
		c.Failed++
		c.Overrun++
	case Aborted:
		c.Aborted++
	}
}

// ringStep times ringWindow is the last second; the ring is longer, so that a slot is not overwritten while it is read as
// part of it.
const (
	ringStep   = 100 * time.Millisecond
	ringWindow = 10
	ringSlots  = 16
)

// ring counts what happened lately in slots of ringStep.
type ring [ringSlots]struct {
	step   int64
	counts Counts
}

// at is the counts of the present slot, emptied if it was last used a turn ago. A request that ends a moment before the
// lock and gets it after a slot was renewed is counted in the newer slot.
func (r *ring) at(elapsed time.Duration) *Counts {
	step := int64(elapsed / ringStep)
	slot := &r[step%ringSlots]
	if step > slot.step {
		slot.step, slot.counts = step, Counts{}
	}
	return &slot.counts
}

// rates sums the ten whole slots before the present one.
func (r *ring) rates(elapsed time.Duration) Rates {
	now := int64(elapsed / ringStep)
	var sum Counts
	for _, slot := range r {
		if slot.step < now && slot.step >= now-ringWindow {
			sum.merge(slot.counts)
		}
	}
	over := (ringStep * time.Duration(max(1, min(now, ringWindow)))).Seconds()
	return Rates{
		Offered:  float64(sum.Offered) / over,
		Served:   float64(sum.Served) / over,
		Degraded: float64(sum.Degraded) / over,
		Refused:  float64(sum.Refused) / over,
		Failed:   float64(sum.Failed) / over,
	}
}

func (c *Counts) merge(d Counts) {
	c.Offered += d.Offered
	c.Served += d.Served
	c.Degraded += d.Degraded
	c.Refused += d.Refused
	c.Failed += d.Failed
}
