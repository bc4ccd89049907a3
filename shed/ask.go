package shed

import "time"

// Ask is what a request says about itself when it asks for a slot. None of it can raise its class.
type Ask struct {
	Route *Route
	// Cohort is its user's, below Cohorts.
	Cohort uint16
	// Stage is how far its user's session has come, as far as the caller has seen it: the further, the sooner it is let in.
	Stage uint8
	// Retry is set when the request says that it is not the first try.
	Retry bool
	// Bytes is the memory that it holds while it waits.
	Bytes int64
	// Deadline is when an answer is of no use any more; the zero time: never.
	Deadline time.Time
}

// fill puts the ask into a ticket; epoch is the zero of the controller's clock.
func (a Ask) fill(t *Ticket, epoch time.Time) {
	t.Route, t.Cohort, t.Stage, t.Retry, t.Deadline = a.Route, a.Cohort, a.Stage, a.Retry, 0
	if !a.Deadline.IsZero() {
		t.Deadline = max(a.Deadline.Sub(epoch), 1)
	}
}
