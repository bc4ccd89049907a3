package breaker

import (
	"math"
	"time"
)

const (
	// alpha and beta are the risks of Wald's test: to open for nothing, and to miss a failing backend.
	alpha = 0.001
	beta  = 0.01
	// halfLife is how long until an observation counts half.
	halfLife = 60 * time.Second
	// freeTests is the number of remembered requests from which on the threshold grows. 5 makes the average time between
	// two false openings about a day for a route that stays at p0 (doc.go).
	freeTests = 5
	// dregs is the share of one failure's evidence below which what is left over from forgetting is dropped, so that
	// "of how many" in a reason counts from the start of the trouble.
	dregs = 0.1
)

// law is the sequential test between two shares of failures, in nats.
type law struct {
	// up and down are the evidence of one failure, over 0, and of one success, below 0.
	up, down float64
	// need is the threshold as long as there are few requests.
	need float64
}

func newLaw(p0, p1 float64) law {
	return law{
		up:   math.Log(p1 / p0),
		down: math.Log((1 - p1) / (1 - p0)),
		need: math.Log((1 - beta) / alpha),
	}
}

// evidence is what the law knows. Times are measured from a start of the caller's choice.
type evidence struct {
	at time.Duration
	// sum is the evidence for p1 over p0, in nats, never below 0.
	sum float64
	// memory is the number of requests, each halved every halfLife.
	memory float64
	// seen and failed count since sum was 0 last.
	seen, failed int
}

// next adds one observation at a time, and before it calm successes that came since the last one and found the sum at 0. It
// reports whether that is enough to open. Time that stands still or goes back forgets nothing.
func (l law) next(e evidence, at time.Duration, calm uint64, failed bool) (evidence, bool) {
	e = l.forget(e, at, calm)
	e.memory++
	e.seen++
	if !failed {
		e.sum += l.down
		if e.sum <= 0 {
			e.sum, e.seen, e.failed = 0, 0, 0
		}
		return e, false
	}
	e.failed++
	e.sum += l.up
	return e, e.sum >= l.threshold(e)
}

// threshold is the evidence that opens. It grows with the logarithm of the traffic, because every request is another chance
// of a false alarm.
func (l law) threshold(e evidence) float64 {
	return l.need + math.Log(max(1, e.memory/freeTests))
}

// forget lets time pass and takes in successes that are taken to be spread evenly over it.
func (l law) forget(e evidence, at time.Duration, calm uint64) evidence {
	age := max(0, math.Ln2*float64(at-e.at)/float64(halfLife))
	keep, fresh := math.Exp(-age), 1.0
	if age > 0 {
		fresh = -math.Expm1(-age) / age
	}
	e.at = max(e.at, at)
	e.memory = e.memory*keep + float64(calm)*fresh
	e.sum *= keep
	if e.sum < dregs*l.up {
		e.sum, e.seen, e.failed = 0, 0, 0
	}
	return e
}
