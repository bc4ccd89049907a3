package shed

import "math"

const (
	// tallyFades is by how much a tally falls a tick: half of it is forgotten in a second.
	tallyFades = 0.933
	// endpointsMost bounds the table; the endpoints beyond it are not told apart from unknown ones.
	endpointsMost = 1024
	// aloneErrors is how many errors say anything, aloneAt how many standard deviations more than its share of them an endpoint must have.
	aloneErrors = 3
	aloneAt     = 3
)

// tally counts outcomes of late.
type tally struct{ completed, errors float64 }

// endpoints are the outcomes of all routes by endpoint, counted from 1. Place 0 stands for endpoints that nobody knows.
type endpoints struct{ of []tally }

func (e *endpoints) add(endpoint int, failed bool) {
	if endpoint <= 0 || endpoint > endpointsMost {
		return
	}
	for endpoint >= len(e.of) {
		e.of = append(e.of, tally{})
	}
	e.of[endpoint].completed++
	if failed {
		e.of[endpoint].errors++
	}
}

// fade forgets; it is due once a tick.
func (e *endpoints) fade() {
	for i := range e.of {
		e.of[i].completed *= tallyFades
		e.of[i].errors *= tallyFades
	}
}

// alone reports whether the errors come from one endpoint of several: it has far more of them than its share of the outcomes, and the
// others are within twice the objective, one error apart.
func (e *endpoints) alone(objective float64) bool {
	var all, worst tally
	for _, t := range e.of {
		all.completed += t.completed
		all.errors += t.errors
		if t.errors > worst.errors {
			worst = t
		}
	}
	rest := tally{all.completed - worst.completed, all.errors - worst.errors}
	if all.errors < aloneErrors || rest.completed < 1 {
		return false
	}
	share := worst.completed / all.completed
	beyond := (worst.errors - share*all.errors) / math.Sqrt(all.errors*share*(1-share))
	return beyond > aloneAt && rest.errors-1 <= 2*objective*rest.completed
}
