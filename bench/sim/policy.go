package sim

import "time"

// Policy decides about requests: the law under test, or a peer. The world calls it from one goroutine, with a time that never goes
// backwards. One sidecar has one Policy; several sidecars in front of one backend have one each and know nothing of each other.
type Policy interface {
	// Arrive decides about a request that has come in.
	Arrive(now time.Duration, r *Request) Verdict
	// Done tells how an admitted request ended, as far as the sidecar can see it.
	Done(now time.Duration, r *Request, o Outcome)
	// Leave takes a waiting request back: its client has left. It reports false if the request does not wait any more.
	Leave(now time.Duration, r *Request) bool
	// Tick is called every TickEvery.
	Tick(now time.Duration)
	TickEvery() time.Duration
	// Woken gives the waiting requests that were decided since it was last called: by Arrive, Done, Tick or by time.
	Woken(now time.Duration) []Woken
	// NextWake is when a waiting request is decided by the passing of time alone (a queue deadline); 0: never.
	NextWake() time.Duration
}

// Verdict is what becomes of a request that arrives.
type Verdict uint8

// The verdicts.
const (
	Start Verdict = iota
	Wait
	Refuse
)

// Woken is a waiting request that was decided.
type Woken struct {
	Request *Request
	// Start is false if it was refused.
	Start bool
	// Reason is the policy's own word for a refusal.
	Reason string
}

// Outcome is what a sidecar sees of an admitted request.
type Outcome uint8

// The outcomes.
const (
	Success   Outcome = iota
	Failure           // a server error, fast or slow
	Timeout           // no answer within the sidecar's own timeout
	Abandoned         // the client left
)

// Request is one request as a sidecar sees it.
type Request struct {
	ID    uint64
	Route int // index into the scenario's routes
	Class int
	// Session tells users apart; Stage is how far the session has come, 0 is its first step.
	Session uint64
	Stage   int
	// Attempt is 0 for a first try.
	Attempt int
	// Retry is set when the request itself says that it is not a first try; Deadline is when it says that its client leaves, on
	// the sidecar's clock, 0 if it does not say.
	Retry    bool
	Deadline time.Duration
	// Unsafe is set on requests that must not be sent twice, such as a payment.
	Unsafe bool
	// Reason is the policy's own word for its refusal.
	Reason string
	// Policy is the policy's own.
	Policy any

	world any // the world's own
}
