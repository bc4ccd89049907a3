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
	Infeasible
)

var reasonWords = [...]string{"", "limit", "displaced", "queue_timeout", "headroom", "errors", "infeasible"}

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

// lingers reports that in a group the request may have to count as in flight although it is over; see domain.hold.
func (o Outcome) lingers() bool { return o == Failure || o == Timeout || o == Abandoned }

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
	// What the request says of itself; see Ask. Deadline is on the controller's clock, 0 is none.
	Route    *Route
	Cohort   uint16
	Stage    uint8
	Retry    bool
	Deadline time.Duration
	// Endpoint is where the request was sent, counted from 1; 0: nobody knows. It is read when the ticket comes back.
	Endpoint int
	// Owner is the caller's own, for finding its way back from Woken.
	Owner any
	// Reason is set when the ticket was refused.
	Reason Reason
	// Would is set when the ticket runs only because the controller observes: why it would have been refused.
	Would Reason
	// Hint is set when the backend should be asked to skip optional work for this request.
	Hint bool

	state  ticketState
	stripe uint8         // where it is filed
	early  bool          // it had the backend nearly to itself
	since  time.Duration // of waiting, then of running
	began  time.Duration // to run, less what the controller had lost by then
	domain *domain       // where it waits
	key    queue.Key     // its place there, which stays when its route's class changes
	wake   chan struct{} // of the Gate: told when the ticket leaves the waiting room by itself
}

// place is where the ticket would stand in a waiting room, but for its arrival. class is what it counts as.
func (t *Ticket) place(class uint8) queue.Key {
	return queue.Key{Class: class, Stage: t.Stage, Cohort: t.Cohort}
}

// arrival is what the ticket adds to a cell's arrivals.
func (t *Ticket) arrival() int64 {
	if t.Retry {
		return 1 + retryArrival
	}
	return 1
}

// Waiting reports whether the ticket is in the waiting room; Running whether it holds a slot.
func (t *Ticket) Waiting() bool { return t.state == waiting }

// Running reports whether the ticket holds a slot.
func (t *Ticket) Running() bool { return t.state == running }
