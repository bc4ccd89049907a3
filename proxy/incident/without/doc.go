// Package without answers one question: what would have happened without protection?
//
// # The law in one page
//
// An Estimator is shown the same seconds as the verdict's isolator. Routes of an upstream of which something was refused for want of room, or
// that the control law held under one limit, share a queue that protection kept short. Without protection it would have been a queue of
// everything, in the order of arrival:
//
//	work arriving   A = Σ offered · s      s: a route's mean time to its answer while nothing was wrong
//	work done       D = Σ answered · s     what the backend gets done, in the same unit
//	backlog         B ← max(B + A − C, 0)  C = D while something is refused for want of room, else the larger of D and the C of before
//	wait            w = B ÷ C              in seconds: C is per second
//
// Whoever waits longer than patience (until the client leaves or the request times out) is not served. A backend that goes on working for those who
// left keeps their work in the backlog (Low); one that stops at once does not, so B is at most C · patience, and C ÷ A of the requests are served (High).
//
// A route whose own breaker is not closed would have been served as those were that it let pass. What an endpoint that is shut would have got would
// have failed. Everything else would have ended as it did.
//
// # What it does not know
//
// What a shop without protection loses beyond its queue, by people who come again and by pools that get less done in a crowd, is not modelled: what is said is
// 0.6 of Low (share.go), a number that the simulator's episodes gave.
//
// It is unknown (Known is false) if the queue was hardly there to be seen, or if a route of the queue was never seen well before, since then s is a guess. bench/sim/isolate holds it
// against paired runs, the same requests without protection; Margin is the error measured there.
package without
