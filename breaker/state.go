package breaker

import "time"

// State is one of three.
type State uint8

// The states of a breaker.
const (
	// Closed: requests pass.
	Closed State = iota
	// HalfOpen: probes pass.
	HalfOpen
	// Open: nothing passes.
	Open
)

var stateWords = [...]string{"closed", "half-open", "open"}

// String gives the state's word for log and label.
func (s State) String() string { return stateWords[s] }

// Change is one change of state.
type Change struct {
	Name     string
	From, To State
	// Time is the wall's time of the change, which only a Breaker knows; At is the time on the circuit's own clock.
	Time time.Time
	At   time.Duration
	// Reason is the numbers it was decided on, a clause for people: "12 of 13 failed, …".
	Reason string
}
