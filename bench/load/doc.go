// Package load answers one question: what do a service's clients get, when they come no matter how it is doing?
//
// A Generator is open-loop: its arrivals are drawn before the run, and each request starts at its own instant,
// whether or not earlier ones have returned. A generator that waits for answers sends less the worse the
// service does, and so hides what it is there to show ("coordinated omission", Gil Tene; Schroeder, Wierman and
// Harchol-Balter, "Open Versus Closed: A Cautionary Tale", NSDI 2006).
//
// # Law
//
// In a phase with rate λ for a route, gaps between its arrivals are exponential with mean 1/λ seconds (a Poisson
// process), or exactly 1/λ with Settings.Regular. Each route and phase has a random stream of its own: equal settings draw
// equal arrivals, and changing one rate moves nobody else's.
//
// Latency, in seconds, runs from the intended instant to the last byte of the body, so a generator that sends late makes
// the service look worse, never better. Who is sent more than 5 ms behind is counted as late: many of them mean that the
// machine, not the service, was the limit. A client gives up Deadline after its intended instant.
//
// What an answer means:
//
//	degraded   status below 500, not 429, with the header X-Triage-Degraded: an answer from the degrade ladder
//	served     any other status from 200 to 499, not 429
//	refused    429, and 503 with the header Proxy-Status (RFC 9209): somebody in front said no
//	failed     everything else: other 5xx, no or broken answer, nothing by the deadline, never sent (overrun)
//
// The latency histogram holds the served, the degraded and, at the deadline, those who gave up: leaving these out would
// make a service that answers one request in a hundred look quick. Refusals and quick errors are not in it.
//
// # Promised
//
//   - In every phase and class Offered = Served + Degraded + Refused + Failed + Aborted + in flight, in every Snapshot.
//     A request belongs to the phase of its intended instant.
//   - Goroutines are bounded by rate × deadline, which is what is in flight, and in any case by MaxInFlight; a request
//     beyond that fails as an overrun. An exchange on a new connection takes up to three goroutines, the one that is
//     drawn and two of net/http, or with Lean one or none; a connection is one file descriptor.
//   - Memory is 24 bytes an arrival, and about 100 kB of histogram per class and phase that has answers, with a deadline
//     of a second.
//
// # How requests are sent
//
// By net/http, HTTP/1.1 or HTTP/2, each in a goroutine of its own; or by package wire (Lean), HTTP/1.1 for a fraction of the processor's
// time: on Linux the goroutine that keeps the arrivals writes requests and reads answers, by the system's calls and without being woken for each; TLS, large bodies and
// streams, and everything elsewhere, have a goroutine for each connection. That loop keeps instants to some ten microseconds, the others to a
// millisecond, for that is how exactly an idle Go process wakes up. From 20,000 a second on it sleeps for 0.15 ms at least: what has become due meanwhile is
// sent in one go, and its latency counts from its instant as ever. Nothing is sent before its instant.
//
// Saturate is the opposite: a closed loop, which finds what can be served at most.
//
// # Not done
//
// Redirects. Retries and journeys are what Settings.OnEnd says. A request of the idempotent kind whose kept connection was
// closed under it is sent once more within the same deadline and counts as one.
package load
