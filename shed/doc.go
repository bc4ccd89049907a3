// Package shed answers one question: can the backend afford this request now?
//
// # The law in one page
//
// A Controller looks after the routes of one upstream. Classes are ordered, 0 is the most important. Every admitted
// request holds a Ticket from admission until its response header has come (streams and upgrades would otherwise hold
// it for hours); in-flight counts tickets. Once a tick (100 ms) the controller measures and moves:
//
//  1. Measure. Per route x = mean time to first byte ÷ (baseline · accepted slowness), over the newest ticks with at least
//     16 samples; its standard error is cv/√n (package window). Timeouts count at the timeout, slow errors and requests that
//     clients gave up late count as they are, fast errors and our own refusals do not. Without completions the mean age of
//     what is in flight counts. A tick in which this process itself stood still is left out, and its time is
//     taken out of the age of what was in flight; how late its ticks are counts as its own share of every answer. No time at
//     all is no measurement: the clock was set back.
//  2. Standing headroom. A flooded pool takes seconds to drain, so the first tenth of a second decides, before any law can
//     have measured anything. Each route's concurrency may grow to ceiling = max(8, K·peak): peak is its recent healthy
//     in-flight peak (half-life 30 s), K falls geometrically from 4 for the most important class to 1.5 for the least.
//     The peak rises every tick while the route keeps pace, so that a healthy backend is opened up within a second.
//  3. Fate. A route suffers when x > 1.3 + 3·se and it takes at least 3 ms longer. Routes that begin to suffer in the same tick form a group, with
//     one limit (package limit). A route that suffers later, shows symptoms (x > 1.1 + 3·se for three ticks) or has surged
//     joins a group in trouble if its trouble is of the same kind: routes that wait in one queue wait equally long, routes on a
//     resource that became slower become slower by the same factor; 0.4 of either is enough. Routes that suffered
//     together in the last ten minutes join together. Two groups in trouble of the same size for five ticks become one.
//     Who does not suffer is left alone, and a member that is evidently well in the same ticks in which the others suffer, by
//     time and by factor, leaves again. One that is refused so much that it cannot show how it is, is let out for a moment and
//     watched (not the founders of the group): it stays out if it is well there, and goes back if it suffers. A group closes after three seconds in which its limit held nobody back; what it
//     accepted as slowness stays with its routes.
//  4. Limit. Package limit moves the group's limit: act, verify, undo.
//  5. Errors. Package level refuses lower classes when a protected route's errors climb, and undoes it when that does not
//     help. Inside a group a ticket that failed faster than its baseline counts as in flight until the baseline has
//     passed, so that fast failures do not drain the queue.
//
// Hand-out. A request runs if fewer than the limit are in flight and nobody better waits. Else it waits, in the order of
// package queue, up to a deadline of 400 ms for the most important class and 200 ms for the others, scaled with the
// baseline; a better arrival pushes the worst out. A route of which nothing was admitted for a second always passes one request:
// otherwise nothing would be learned.
//
// # Promised
//
// Every ticket comes back exactly once. Nothing is refused before a baseline is known. Inside a group nobody waits behind a
// less important request. Deciding code is pure: the Controller is handed the time and returns decisions with reasons;
// the Gate around it holds the lock, the clock and the waiting goroutines.
//
// # Not done yet
//
// Attribution, culprits that do not suffer, more than one bottleneck in one group, session stages.
package shed
