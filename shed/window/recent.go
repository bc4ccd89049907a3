package window

import "time"

// Span is the number of ticks a Recent remembers.
const Span = 20

// Tick is what happened to a route during one tick.
type Tick struct {
	// Completed counts outcomes that tell about the backend: answers and failures, not what clients broke off.
	Completed int
	// Errors counts backend failures among Completed.
	Errors int
	// Lost counts requests that got no answer: timeouts, and what clients gave up.
	Lost int
	// Samples counts times to first byte, those cut off by a timeout included; fast errors are no samples.
	Samples int
	// Slow counts samples that took evidently longer than the baseline; see Baseline.Slow.
	Slow int
	// Sum is the sum of the samples.
	Sum time.Duration
	// Arrivals counts requests that asked to be admitted, refused ones included.
	Arrivals int
	// Peak is the largest number in flight.
	Peak int
}

func (t *Tick) add(o Tick) {
	t.Completed += o.Completed
	t.Errors += o.Errors
	t.Lost += o.Lost
	t.Samples += o.Samples
	t.Slow += o.Slow
	t.Sum += o.Sum
	t.Arrivals += o.Arrivals
	t.Peak = max(t.Peak, o.Peak)
}

// Mean is the mean time to first byte, 0 without samples.
func (t Tick) Mean() time.Duration {
	if t.Samples == 0 {
		return 0
	}
	return t.Sum / time.Duration(t.Samples)
}

// ErrorShare is the share of completions that failed, 0 without completions.
func (t Tick) ErrorShare() float64 {
	if t.Completed == 0 {
		return 0
	}
	return float64(t.Errors) / float64(t.Completed)
}

// Recent is a ring of the last Span ticks. The zero value is empty and ready.
type Recent struct {
	ring [Span]Tick
	head int // index of the newest tick
	held int
}

// Add appends the newest tick.
func (r *Recent) Add(t Tick) {
	r.head = (r.head + 1) % Span
	r.ring[r.head] = t
	r.held = min(r.held+1, Span)
}

// Clear forgets everything: what was measured before a change must not be mixed with what came after it.
func (r *Recent) Clear() { r.held = 0 }

// Newest sums the newest ticks until enough samples are in the sum, at least one tick and at most all; ticks says
// how many were needed.
func (r *Recent) Newest(enough int) (sum Tick, ticks int) {
	for ticks < r.held {
		sum.add(r.ring[(r.head-ticks+Span)%Span])
		ticks++
		if sum.Samples >= enough {
			break
		}
	}
	return sum, ticks
}

// Outcomes sums the newest ticks until enough completions are in the sum, or all of them.
func (r *Recent) Outcomes(enough int) (sum Tick) {
	for ticks := 0; ticks < r.held && sum.Completed < enough; ticks++ {
		sum.add(r.ring[(r.head-ticks+Span)%Span])
	}
	return sum
}

// Last sums the newest n ticks, or as many as there are.
func (r *Recent) Last(n int) (sum Tick, ticks int) {
	for ticks < min(n, r.held) {
		sum.add(r.ring[(r.head-ticks+Span)%Span])
		ticks++
	}
	return sum, ticks
}

// Ago gives the tick that many ticks before the newest, and false if it is not held.
func (r *Recent) Ago(ticks int) (Tick, bool) {
	if ticks < 0 || ticks >= r.held {
		return Tick{}, false
	}
	return r.ring[(r.head-ticks+Span)%Span], true
}
