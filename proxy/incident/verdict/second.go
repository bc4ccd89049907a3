package verdict

import "time"

// Second is what about a second of traffic showed. Counts are of that second alone.
type Second struct {
	// At is the time of its end, since any fixed instant; Lasted is how long it was.
	At, Lasted time.Duration
	Routes     []RouteSeen
	Endpoints  []EndpointSeen
	// Groups are the routes that the control law holds under one limit and of which it refuses some.
	Groups [][]string
	// Late is for how long this process stood still, or came late to its own work.
	Late time.Duration
	// Internal counts requests that failed by a defect of this proxy; Wrong those that clients sent wrongly, of no route.
	Internal, Wrong int
	Found           []Found
	Changes         []ChangeSeen
}

// RouteSeen is one route's second.
type RouteSeen struct {
	Name, Upstream string
	// Offered counts what arrived; Refused what Triage refused for want of room. What it refused because another route fails, because of a quota
	// or of a breaker says nothing of where the failure is.
	Offered, Refused int
	// Shut is set while the route's own breaker does not let everything pass.
	Shut bool
	// Answered, Failed and TimedOut are what became of requests that the backend had, Left those that clients gave up there; Wrong were the
	// client's own doing.
	Answered, Failed, TimedOut, Left, Wrong int
	// Took sums the times of what was answered, Squares their squares, Waited how long those had waited who left; in seconds and seconds².
	Took, Squares, Waited float64
}

// EndpointSeen is one endpoint's second.
type EndpointSeen struct {
	Upstream, Name             string
	Answered, Failed, TimedOut int
	// Unreachable are those of the failed to which no connection could be made within the time, or was cut on the way.
	Unreachable   int
	Took, Squares float64
	// Shut is set while its breaker does not let everything pass.
	Shut bool
}

// Found is what an intervention has shown.
type Found struct {
	What Finding
	// Route is whom it is about.
	Route string
	// Text is the sentence, with its numbers.
	Text string
}

// Finding is one of a closed set.
type Finding string

// The findings.
const (
	// NotLoad: shedding others did not move this route's errors.
	NotLoad Finding = "not load"
	// Load: shedding others did.
	Load Finding = "load"
	// Innocent: the route was well while the others of its group suffered.
	Innocent Finding = "innocent"
	// Shares: the route suffered again when it was released.
	Shares Finding = "shares"
	// Culprit: others got more done while the route was kept back.
	Culprit Finding = "culprit"
	// NoCulprit: they did not.
	NoCulprit Finding = "no culprit"
	// Slower: the law has found that less load does not make it faster.
	Slower Finding = "slower"
)

// ChangeSeen is something that went live.
type ChangeSeen struct {
	At time.Duration
	// What is a word or two for people: "configuration 3f2a…", "cart v2.1".
	What string
	// Routes are those that it concerns; none means all.
	Routes []string
}
