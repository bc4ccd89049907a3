package shed

import (
	"math"
	"sync/atomic"
	"time"
)

// Trouble that one endpoint of several has alone is no load: its breaker is the remedy, and the law leaves it out of what it measures
// and out of what it fears. So outcomes are counted by endpoint as well, without the lock, as in door.go: what is written here may be
// off by a few, and a decision by it costs a sample or two.

const (
	// endpointsMost bounds the table; the endpoints beyond it are not told apart from unknown ones.
	endpointsMost = 256
	// tallyFades is what a tally loses a tick, as one part of so many: half of it is forgotten in a second.
	tallyFades = 15
	// oneOutcome is what an outcome adds, so that a tally can fade in whole numbers.
	oneOutcome = 1024
	// countedOf is one in how many successes is counted, that many times: all cores write to the tally of a busy endpoint.
	countedOf = 8
	// noErrors is what is left of an error after a second: less than that counts as none.
	noErrors = 0.5
	// aloneErrors is how many errors prove anything, aloneAt how many standard deviations more than its share of them an endpoint must have.
	aloneErrors = 3
	aloneAt     = 3
)

// endpointTally counts an endpoint's outcomes of late: those that came to an end one way or the other, and those that failed or got no
// answer. It is one cache line.
type endpointTally struct {
	ended, failed atomic.Int64
	_             [48]byte
}

// outcomes are a tally, or a sum of tallies, as it was read.
type outcomes struct{ ended, failed float64 }

func (t *endpointTally) read() outcomes {
	return outcomes{float64(t.ended.Load()) / oneOutcome, float64(t.failed.Load()) / oneOutcome}
}

// endpoints are the outcomes of all routes by endpoint, counted from 1. Place 0 stands for endpoints that nobody knows. The table is made
// for the first outcome of a second endpoint: with only one there is nothing to compare.
type endpoints struct {
	of atomic.Pointer[[endpointsMost + 1]endpointTally]
	// most is the highest endpoint that was seen.
	most atomic.Int32
}

func (e *endpoints) add(endpoint int, failed bool, times int64) {
	if endpoint <= 0 || endpoint > endpointsMost {
		return
	}
	of := e.of.Load()
	if of == nil {
		if endpoint == 1 {
			return
		}
		e.of.CompareAndSwap(nil, new([endpointsMost + 1]endpointTally))
		of = e.of.Load()
	}
	for most := e.most.Load(); int32(endpoint) > most; most = e.most.Load() {
		e.most.CompareAndSwap(most, int32(endpoint))
	}
	of[endpoint].ended.Add(times * oneOutcome)
	if failed {
		of[endpoint].failed.Add(times * oneOutcome)
	}
}

// known are the tallies of the endpoints that have been seen; the first stands for none.
func (e *endpoints) known() []endpointTally {
	of := e.of.Load()
	if of == nil {
		return nil
	}
	return of[:e.most.Load()+1]
}

// fade forgets; it is due once a tick.
func (e *endpoints) fade() {
	known := e.known()
	for i := range known {
		for _, n := range [...]*atomic.Int64{&known[i].ended, &known[i].failed} {
			if v := n.Load(); v != 0 {
				n.Add(-(v + tallyFades - 1) / tallyFades)
			}
		}
	}
}

// worst is the endpoint with the most errors, 0 if there are none.
func (e *endpoints) worst() (endpoint int) {
	most, known := int64(0), e.known()
	for i := range known {
		if failed := known[i].failed.Load(); failed > most {
			endpoint, most = i, failed
		}
	}
	return endpoint
}

// compare gives what an endpoint has seen and what all others have; ok is false if it or they are unknown.
func (e *endpoints) compare(endpoint int) (one, others outcomes, ok bool) {
	known := e.known()
	if endpoint <= 0 || endpoint >= len(known) {
		return one, others, false
	}
	one = known[endpoint].read()
	for i := range known {
		if i != endpoint {
			t := known[i].read()
			others.ended += t.ended
			others.failed += t.failed
		}
	}
	return one, others, others.ended >= 1
}

// only reports whether no other endpoint has failed of late, although it was called.
func (e *endpoints) only(endpoint int) bool {
	_, others, ok := e.compare(endpoint)
	return ok && others.failed < noErrors
}

// alone reports whether it is proven that the errors come from this endpoint of several: it has far more of them than its share of the
// outcomes, and the others are within twice the objective, one error apart.
func (e *endpoints) alone(endpoint int, objective float64) bool {
	one, others, ok := e.compare(endpoint)
	failed := one.failed + others.failed
	if !ok || failed < aloneErrors || others.failed-1 > 2*objective*others.ended {
		return false
	}
	share := one.ended / (one.ended + others.ended)
	return (one.failed-share*failed)/math.Sqrt(failed*share*(1-share)) > aloneAt
}

// aside counts an outcome by its endpoint and reports whether it is to be left out of what is measured: one endpoint's own trouble, as far
// as can be seen. That needs no proof, or a few answers that do not come would be taken for a slow backend first; where load is the cause
// the next error is another endpoint's. What a client gave up counts as failed if it had waited for long. base is the scaled baseline in
// seconds. It needs no lock.
func (c *Controller) aside(t *Ticket, o Outcome, took time.Duration, base float64) bool {
	switch {
	case o == Success || o == Declined:
		if t.Endpoint > 0 && counted(t.since) {
			c.endpoints.add(t.Endpoint, false, countedOf)
		}
		return false
	case o == NotSent, o == Abandoned && took.Seconds() <= 2*base:
		return false
	}
	c.endpoints.add(t.Endpoint, true, 1)
	return c.endpoints.only(t.Endpoint) || c.endpoints.alone(t.Endpoint, defaultObjective)
}

// counted draws one in countedOf instants (Fibonacci hashing).
func counted(at time.Duration) bool { return uint64(at)*0x9e3779b97f4a7c15>>32%countedOf == 0 }
