// Package shed answers one question: can the backend afford this request now?
//
// # The law in one page
//
// A Controller looks after the routes of one upstream. Classes are ordered, 0 is the most important. Every admitted
// request holds a Ticket from admission until its response header has come (streams and upgrades would otherwise hold
// it for hours); in-flight counts tickets. Once a tick (100 ms) the controller measures and moves:
//
//  1. Measure. Per route x = mean time to first byte ÷ (baseline · accepted slowness), over the newest ticks with at least
//     16 samples, with a millisecond on either side; its standard error is cv/√n (package window). Timeouts count at the timeout, slow
//     errors and requests that clients gave up late count as they are, fast errors and our own refusals do not. With fewer than 16 samples
//     in two seconds, or fewer than half of what is in flight in the time that an answer takes, the mean age of what is in flight counts too,
//     if it says more: the newest 16 answers may all be from before the trouble. A tick in which this process itself stood still is left out,
//     and its time is taken out of the age of what was in flight; how late its ticks are counts as its own share of every answer. No time at
//     all is no measurement: the clock was set back.
//  2. Standing headroom. A flooded pool takes seconds to drain, so the first tenth of a second decides, before any law can
//     have measured anything. Each route's concurrency may grow to ceiling = max(8, K·peak): peak is its recent healthy
//     in-flight peak (half-life 30 s), K falls geometrically from 3 for the most important class to 1.3 for the least.
//     While the route keeps pace its peak follows what it had in flight a tick and a baseline ago, if answers for half of that have come since:
//     what nobody has answered proves nothing. So a healthy backend is opened up by the factor K every 0.2 s and a baseline: in a second to 3.7 times for the least important class, and to what it wants for others.
//  3. Fate. A route suffers when x > 1.3 + 4.5·se over the newest 16 samples, or 1.3 + 4·se over the newest 64, and it takes at least 3 ms
//     longer, and more of its answers than usual take more than 1.3 baselines: by three standard errors √(p(1−p)/n) of the usual share p. A mean
//     is at the mercy of its largest sample, and with Pareto's times of α < 2 it has no variance; a share always has, and what is wrong with
//     a backend makes most answers slower. While its baseline is a guess it suffers only if x is above 2 and three of the guess's errors as
//     well, and its requests pile up. Routes that begin to suffer in the same tick form a group, with one limit (package limit). A route that suffers later, has surged, or shows symptoms (x > 1.1 + 3·se for three ticks,
//     and, once the group is there for a while, x > 1.1 + 4·se over the newest 64) joins a group in trouble if its trouble is of the same kind: routes that wait in one queue wait equally long, routes on a
//     resource that became slower become slower by the same factor; 0.4 of either is enough. Routes that suffered
//     together in the last ten minutes, or are said to share something (shares.go), join together. Two groups in trouble of the same size for five ticks become one.
//     Who does not suffer is left alone, and a member that is evidently well in the same ticks in which the others suffer, by
//     time and by factor, leaves again. One that is refused so much that it cannot show how it is, is let out for a moment and
//     watched (not the founders of the group, which suffered when its trouble began, unless another member's requests waited eight times as long as theirs ever
//     did): it stays out if it is well there, or suffers while the group does not suffer like it, and the others get as much done as
//     before; else it goes back; and once it suffers in the same way it is back at once. A group closes after three seconds in which its limit held nobody back and its
//     latency was below 1.3; what it accepted as slowness stays with its routes.
//  4. Limit. Package limit moves the group's limit: act, verify, undo.
//  5. Attribution. Suffering together finds the victims, not always the culprit: an export that spends most of its time elsewhere hardly
//     notices the database that it keeps busy. When somebody is refused in a group that gets less done than usual, and a less important
//     route outside has grown by more than the members, that route is kept back for a moment. If the members evidently get more
//     done, it is held, as low as it takes; else it is let go, and left alone for longer and longer (package relief).
//     Trial releases, and cuts of the limit that kept back one route alone, tell of relief as well; of several at once nobody can (cuts.go).
//  6. Errors. Package level refuses lower classes when a protected route's errors climb, and undoes it when that does not
//     help. It looks for signs first (signs.go): load that makes a route fail makes its other answers slow, or others fail, or was
//     brought by somebody who has grown; and trouble of one endpoint alone is that endpoint's, and no sample either (endpoints.go).
//     Without a sign nobody is refused for a minute. Inside a group a ticket that failed faster than its baseline counts as in flight until the baseline has
//     passed, so that fast failures do not drain the queue. One that got no answer counts for as long again as it was there, two seconds and half of
//     the limit at most: many backends work on for clients that have left.
//
// Hand-out. A request runs if fewer than the limit are in flight and nobody better waits. Else it waits, in the order of
// package queue (class, stage, cohort, arrival), up to a deadline of 400 ms, or four baselines if that is more, 5 s at most; a better arrival pushes the worst
// out. A route of which nothing was admitted for a second always passes one request: otherwise nothing would be learned. Retries that come
// in a storm count as one class lower (retry.go). Who would have to wait and cannot be answered before the deadline is refused at once:
// forecast.go has the theory.
//
// Users. A stage is what the caller has seen a session complete (package stage). A cohort is drawn with a secret (CohortKey): a slice of 128
// for where the user came from, and a place in it for the session. Nothing that a client can make up draws a better one.
//
// Demand. Every route tells how much concurrency is asked of it, refused requests included, and how much is served: demand.go.
//
// Observing. With Settings.Observe everything runs at once, and its ticket says why it would have been refused: observe.go has the theory.
//
// # Cost
//
// While nobody waits, Enter and Done take no lock (open.go): they count on the route's door and file in its cell, with atomics (door.go); a
// route of a group, of sixteen at most, does so with the slots that it was lent. Refusals by the level, and by a waiting room that is full of better requests,
// take none either. The upstream's mutex is taken once for each of the rest: while requests wait or a group has hardly a slot left, and
// then slots change hands no faster than the backend answers; what failed in a group; and some requests of a route that learns its first baseline.
// Nothing is allocated but by a request that has to wait (a timer). Measured with BenchmarkCost* on two shared cores, undisturbed, the pair of Enter and
// Done: 141 ns, of which reading the clock twice is 60; from 2 and 8 goroutines on one route 157 and 159; a refusal 100 to 110; with the lock 212.
//
// Memory is 2.3 kB a route, 1 kB more for a busy one, whatever the number of clients. The number in flight is exact: beyond the ceiling nobody
// is let in but the one request a second that always passes.
//
// A tick costs 1 to 2 µs for each route that had traffic in the last two seconds and nothing for the others, which sleep (awake.go): 11 µs with
// 10 busy routes, of 10 or of 10,000; 15 ms or more with 10,000 busy ones, during which what needs no lock goes on. In a group it is no more: one
// of 1,000 routes 2 to 4 ms, and a request there costs what it costs in one of two.
//
// # Promised
//
// Every ticket is counted in and out exactly once. A route that stands by itself has no ceiling until it has had a learned baseline for a
// second: until then it is refused because of errors (the level), because nine tenths and more of its requests get no answer at all, or
// in a group, which it joins when by a guessed baseline it suffers and its requests pile up, or when it has eight in flight, nothing is known of it and
// others are in trouble. Inside a group nobody waits behind a less important request, but for the one a second of each route that always
// passes, and for classes that a new configuration changes while they wait. Every change of a limit (moves of less than a fifth together), of the
// level and of who is in which group is an entry, with its reason and numbers. Deciding code is pure: the Controller is handed the time and
// returns decisions with reasons; the Gate around it holds the lock, the clock and the waiting goroutines. What is decided without the lock
// is what would be decided with it.
//
// # Not done yet
//
// More than one bottleneck in one group.
package shed
