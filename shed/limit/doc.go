// Package limit answers one question: how many requests of a group may be with the backend at once?
//
// A group is a set of routes that share a bottleneck. Its normalised latency is
//
//	y = Σ time to first byte ÷ Σ baseline                        over the group's newest samples
//	z = y ÷ scale                                                 scale: slowness accepted as not caused by load, ≥ 1
//	U = Σ baseline of what was answered ÷ time                    the useful concurrency: work a second
//
// By Little's law y·U requests are in flight. A pool of C slots, each s times as slow as usual, with N requests in it does
//
//	U = min(N, C)/s,     y = s·max(1, N/C)
//
// so z = Target (1.12) means that the limit lies 12 % above what the backend can work on at once: the pool never starves and hardly
// anybody waits inside it, where priorities are unknown. One reading (N, y) cannot tell a busy pool from a slow one. Two at
// different N can: a pool that is busy at both does the same work at both; one that does less work at the smaller N had slots to
// spare there, and what it took there is its own time.
//
// Opening. A group is innocent until proven: L starts where its routes' headroom ends. As soon as somebody is kept out, more
// is offered than the backend serves, and L goes to the useful concurrency at once, at least to four fifths of what was taken well
// before. Where next to nothing is known of that (a new process in the middle of a crowd), L begins at 4 at least, and grows by a quarter a step
// until it is high enough to be cut. If instead everything offered is served for a second, or five answers if that is longer, and nobody waits, latency is high for another reason than load,
// and y is accepted as the scale without a single refusal: in a backend that keeps up, in-flight stands still, in an
// overloaded one it cannot.
//
// Steady. While it binds L moves in proportion to z − Target, at most 15 % down a step; what keeps nobody out stays. Every step is paced by samples,
// min(1, n/48) of it, and by the time an answer takes, however high the latency: a law that moves without new samples answers its own echo. Below a quarter of what
// was taken well before it grows by a quarter a step instead. Where L is led is watched: if it has come down by a quarter, latency
// is still high and less work is done, then load was not the cause (the verdict below).
//
// Experiment. Latency well above the target, by 1.5 standard errors, under a limit that binds:
//
//	hold   L₁ for a reading of n samples                          in a flood (z > 2.24) there is no time for that
//	cut    to Target·scale·U₁, by a quarter at least and three fifths at most, not below what critical demand needs; drain, settle, read
//
// Relieved (y₂ near the scale): stay. Less work than before, U₂ < U₁ by 12 % or by two standard errors, whichever is more: not
// load; the scale is y₂, and L goes to Target·U₁·y₂, for U₁·s is the number of slots; if latency has risen by a quarter at the same time,
// something else moved, and L is restored. Otherwise the reading becomes the reference, and L is cut again. A reading that drifts, or in
// which clients gave up, is taken again four times at most; then it counts as it is, but for one in which clients gave up: that proves
// nothing.
//
// If nothing but critical demand is left to cut, the same experiment is made upward, with 1.3 L₁: it refuses nobody. If more
// work is done there, L was too small. If not, critical demand alone is more than the backend serves, and is no floor any more.
//
// Readings need n = 60·(cv/0.53)² samples, 30 to 300 (200 at least upward; 16 after three seconds): the standard error of ln(U₂/U₁) is cv·√(1/n₁ + 1/n₂), about 0.1, and a cut to
// 0.75 that starves shows as 0.29.
//
// The scale falls again after a second of y below 0.93 of it.
//
// Promised: L ≥ 1 and scale ≥ 1; neither moves while y is unknown; neither moves without a reason (what changes the phase alone, as the
// hold that begins an experiment does, has none). Not done here: who gets the slots (package shed),
// errors (package shed, the level).
package limit
