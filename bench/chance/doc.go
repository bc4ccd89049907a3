// Package chance answers one question: what is left to luck in a run, and how is it drawn so that two runs meet the same?
//
// Each thing that is drawn for has a stream of random numbers of its own, found by its number: a request's service times
// depend on the request, not on who was served before it. So two policies, or a simulation and a run in real time, meet the same
// arrivals and the same service times (common random numbers), and what differs is what they do.
//
// A request's number is drawn from with Mix(number, what): Failure says whether it fails or hangs, Step + k what its k-th step
// takes. Who simulates and who serves in real time must agree about that, which is why it stands here.
package chance

// What is drawn for a request, to be mixed with its number.
const (
	Failure = 1
	Step    = 2 // and the number of the step
	Retry   = 77
)
