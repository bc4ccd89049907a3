package shed

import "math"

// Trouble that one endpoint of several has alone is no load: its breaker is the remedy, and the law leaves it out of what it measures
// and out of what it fears. So outcomes are counted by endpoint as well.

const (
	// tallyFades is by how much a tally falls a tick: half of it is forgotten in a second.
	tallyFades = 0.933
	// endpointsMost bounds the table; the endpoints beyond it are not told apart from unknown ones.
	endpointsMost = 1024
	// noErrors is what is left of an error after a second: less than that counts as none.
	noErrors = 0.5
	// aloneErrors is how many errors prove anything, aloneAt how many standard deviations more than its share of them an endpoint must have.
	aloneErrors = 3
	aloneAt     = 3
)

// tally counts outcomes of late: those that came to an end one way or the other, and those that failed or got no answer.
type tally struct{ ended, failed float64 }

// endpoints are the outcomes of all routes by endpoint, counted from 1. Place 0 stands for endpoints that nobody knows.
type endpoints struct {
	of  []tally
	all tally
}

func (e *endpoints) add(endpoint int, failed bool) {
	if !e.known(endpoint) {
		return
	}
	for endpoint >= len(e.of) {
		e.of = append(e.of, tally{})
	}
	t := tally{ended: 1}
	if failed {
		t.failed = 1
	}
	e.of[endpoint] = e.of[endpoint].plus(t)
	e.all = e.all.plus(t)
}

func (t tally) plus(o tally) tally { return tally{t.ended + o.ended, t.failed + o.failed} }

func (e *endpoints) known(endpoint int) bool { return endpoint > 0 && endpoint <= endpointsMost }

// fade forgets; it is due once a tick.
func (e *endpoints) fade() {
	e.all = tally{}
	for i, t := range e.of {
		e.of[i] = tally{t.ended * tallyFades, t.failed * tallyFades}
		e.all = e.all.plus(e.of[i])
	}
}

// worst is the endpoint with the most errors, 0 if there are none.
func (e *endpoints) worst() (endpoint int) {
	most := 0.0
	for i, t := range e.of {
		if t.failed > most {
			endpoint, most = i, t.failed
		}
	}
	return endpoint
}

// others is what all endpoints but one have seen; nothing if that one is unknown.
func (e *endpoints) others(endpoint int) (rest tally) {
	if !e.known(endpoint) || endpoint >= len(e.of) {
		return tally{}
	}
	t := e.of[endpoint]
	return tally{e.all.ended - t.ended, e.all.failed - t.failed}
}

// only reports whether no other endpoint has failed of late, although it was called.
func (e *endpoints) only(endpoint int) bool {
	rest := e.others(endpoint)
	return rest.ended >= 1 && rest.failed < noErrors
}

// alone reports whether it is proven that the errors come from this endpoint of several: it has far more of them than its share of the
// outcomes, and the others are within twice the objective, one error apart.
func (e *endpoints) alone(endpoint int, objective float64) bool {
	rest := e.others(endpoint)
	if rest.ended < 1 || e.all.failed < aloneErrors || rest.failed-1 > 2*objective*rest.ended {
		return false
	}
	t := e.of[endpoint]
	share := t.ended / e.all.ended
	return (t.failed-share*e.all.failed)/math.Sqrt(e.all.failed*share*(1-share)) > aloneAt
}

// aside counts an outcome by its endpoint and reports whether it is to be left out of what is measured: one endpoint's own trouble, as far
// as can be seen. That needs no proof, or a few answers that do not come would be taken for a slow backend first; where load is the cause
// the next error is another endpoint's. What a client gave up counts as failed if it had waited for long.
func (c *Controller) aside(t *Ticket, o Outcome, seconds float64) bool {
	failed := o == Failure || o == Timeout || o == Abandoned && seconds > 2*t.Route.scaled()
	if o == NotSent || o == Abandoned && !failed {
		return false
	}
	c.endpoints.add(t.Endpoint, failed)
	return failed && (c.endpoints.only(t.Endpoint) || c.endpoints.alone(t.Endpoint, defaultObjective))
}
