package breaker

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// errFailing is what the state machine is told when the law or a trial has found the backend failing.
var errFailing = errors.New("the backend is failing")

var states = [...]State{gobreaker.StateClosed: Closed, gobreaker.StateHalfOpen: HalfOpen, gobreaker.StateOpen: Open}

// machine is gobreaker for one open period and the trial that follows it. Whether something fails, and for how long it stays open,
// is decided before it is told, so each word it hears is final: the failure that opens, then one request that is a whole trial.
type machine struct {
	gobreaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	// end tells the verdict of the trial that is on; nil while there is none.
	end func(error)
}

// openMachine gives a machine that is open. Its own open period is over as soon as its own clock, which is the wall's, has moved.
func openMachine(name string) machine {
	m := machine{gobreaker: gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        name,
		MaxRequests: 1,
		Timeout:     time.Nanosecond,
		ReadyToTrip: func(gobreaker.Counts) bool { return true },
	})}
	if fail, err := m.gobreaker.Allow(); err == nil {
		fail(errFailing)
	}
	return m
}

// beginTrial moves an open machine to half-open. It reports false if the wall's clock has not moved since it was opened: whoever asks
// next asks again.
func (m *machine) beginTrial() bool {
	end, err := m.gobreaker.Allow()
	if err != nil {
		return false
	}
	m.end = end
	return true
}

// endTrial tells that the backend is healthy and gives the state that this leads to.
func (m *machine) endTrial() State {
	m.end(nil)
	m.end = nil
	return states[m.gobreaker.State()]
}
