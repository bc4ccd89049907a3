// Package limit answers one question: how many requests of a group may be with the backend at once?
//
// A group is a set of routes that share a bottleneck. Its normalised latency is
//
//	y = Σ time to first byte ÷ Σ baseline                        over the group's newest samples
//	z = y ÷ scale                                                 scale: slowness accepted as not caused by load, ≥ 1
//
// By Little's law y is also in-flight ÷ useful concurrency: a pool of C with L requests in it answers in L/C baselines, so
// z = Target (1.12) means that the limit lies 12 % above what the backend can work on at once: the pool never starves
// and hardly anybody waits inside it, where priorities are unknown.
//
// Opening. A group is innocent until proven: L starts where its routes' headroom ends. As soon as somebody is kept out, more
// is offered than the backend serves, and L goes to the useful concurrency at once. If instead everything offered is
// served for a second, and nobody waits, latency is high for another reason than load, and y is accepted as the scale
// without a single refusal: in a backend that keeps up, in-flight stands still, in an overloaded one it cannot.
//
// Steady. L moves in proportion to z − Target, at most 15 % down a step, and up only while it binds. Every step is paced
// by samples, min(1, n/48), not by time: a law that moves without new samples answers its own echo.
//
// Experiment. Latency that stays high under a held limit is either load or not, and passive data cannot tell (an
// overloaded pool and a slow one look the same by their means). So the law acts, looks and undoes:
//
//	hold  L₁ until settled, collect 60 samples                 → y₁, X₁ (throughput)
//	cut   to L₂ = 0.6 L₁, but not below critical demand; drain, settle, collect 60 samples → y₂, X₂
//	e  = ln(y₂/y₁) ÷ ln(L₂/L₁)                                  1: queueing, 0: not load
//	eX = ln(X₂/X₁) ÷ ln(L₂/L₁)                                  0: queueing, 1: the cut only cost throughput
//
// Relieved (y₂ near the scale): stay. |e| < 0.4 and eX > 0.3: the trouble is not load; restore L₁ and accept y₂ as the
// scale. e < −0.4: something else moved meanwhile; restore and measure anew. Otherwise cut again. If nothing but critical
// demand is left to cut, the same experiment is made upward, with 1.3 L₁: it costs nobody anything. sd(e) ≈ 0.6·√2/(√n·|ln step|), so sixty samples at 0.6 give 0.21: about
// two standard deviations between the verdicts; twenty would give 0.38.
//
// The scale falls again after a second of y below 0.93 of it.
//
// Promised: L ≥ 1; no move without a sample; a move carries its reason. Not done here: who gets the slots (package shed),
// errors (package shed, the level).
package limit
