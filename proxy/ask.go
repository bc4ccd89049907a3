package proxy

import (
	"time"

	"triage/proxy/edge"
	"triage/shed"
)

// ask is what the control law is told of the request.
func (x *passage) ask() shed.Ask {
	x.recognise()
	x.saidUntil()
	return shed.Ask{
		Route: x.route.shed, Cohort: x.cohort(), Stage: x.visit.Stage, Retry: edge.Retry(x.asking.fields), Deadline: x.deadline(x.Start), Bytes: waiterBytes + int64(x.asking.header),
	}
}

// waiterBytes is what a request holds while it waits, whatever it is: a stack, a record, a buffer of 4 to 16 KiB.
const waiterBytes = 24 << 10

// saidUntil reads until when the client says that it waits.
func (x *passage) saidUntil() {
	if left, ok := edge.Patience(x.asking.fields, x.Start); ok {
		x.until = x.Start.Add(left)
	}
}

// deadline is when an answer is of no use any more to a request that begins to wait now: after the route's timeout, for so long would be
// waited for the backend, or sooner if the client says so.
func (x *passage) deadline(now time.Time) time.Time {
	at := now.Add(x.timeout())
	if !x.until.IsZero() && x.until.Before(at) {
		return x.until
	}
	return at
}

// askAgain is what the control law is told when a slow body is whole at last. The timeout has not run while it came.
func (x *passage) askAgain(now time.Time) shed.Ask {
	again := x.asked
	again.Deadline = x.deadline(now)
	return again
}
