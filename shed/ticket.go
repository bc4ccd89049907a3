package shed

import (
	"time"

	"triage/shed/queue"
)

// Reason says why a request was refused: the package's own words, which the proxy translates.
type Reason uint8

// The reasons, with the meanings of package proxy/reason.
const (
	Admitted Reason = iota
	Limit
	Displaced
	QueueTimeout
	Headroom
	Errors
)

var reasonWords = [...]string{"", "limit", "displaced", "queue_timeout", "headroom", "errors"}

// String gives the reason's word, "" for Admitted.
func (r Reason) String() string { return reasonWords[r] }

// Outcome is what became of an admitted request, as far as the backend is concerned.
type Outcome uint8

// The outcomes.
const (
	// Success: a response header with a status below 400.
	Success Outcome = iota
	// Failure: a server error, or no answer for another reason than time.
	Failure
	// Timeout: no response header in time.
	Timeout
	// Abandoned: the client broke off before the header came; nobody's failure, but its age says something.
	Abandoned
	// NotSent: the request never reached the backend, or not to its end for a reason that says nothing about the backend.
	NotSent
	// Declined: the backend answered that the request is at fault (4xx). It lives, but an answer that took no work teaches no
	// baseline: whoever sends enough of them could make every honest answer look slow.
	Declined
)

type ticketState uint8

const (
	idle ticketState = iota
	waiting
	running
	refused
)

// Ticket is the right to be in flight, or the wait for it. A Controller's caller owns the memory and may use a ticket again
// once it is back.
type Ticket struct {
	Route  *Route
	Cohort uint8
	// Owner is the caller's own, for finding its way back from Woken.
	Owner any
	// Reason is set when the ticket was refused.
	Reason Reason
	// Hint is set when the backend should be asked to skip optional work for this request.
	Hint bool

	state  ticketState
	early  bool          // it had the backend nearly to itself
	since  time.Duration // of waiting, then of running
	lost   time.Duration // what the controller had lost when it began to run
	domain *domain       // where it waits
	key    queue.Key     // its place there, which stays when its route's class changes
	wake   chan struct{} // of the Gate: told when the ticket leaves the waiting room by itself
}

// Waiting reports whether the ticket is in the waiting room; Running whether it holds a slot.
func (t *Ticket) Waiting() bool { return t.state == waiting }

// Running reports whether the ticket holds a slot.
func (t *Ticket) Running() bool { return t.state == running }
