// Package upstream answers one question: which endpoint?
//
// # The law
//
// Power of two choices (Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 12(10), 2001):
// draw two endpoints, each with a probability proportional to its weight, and take the one that is less loaded. Load is
// requests in flight ÷ weight. The second is taken if, with the request, it would be no more loaded than the first is
// without it:
//
//	(inFlight₂ + 1) ÷ weight₂  ≤  inFlight₁ ÷ weight₁
//
// For equal weights that is the plain law: the second wins if it has fewer in flight. For unequal ones both simpler
// forms are wrong where a canary needs them: comparing (inFlight + 1) ÷ weight starves an endpoint of weight 1 beside
// one of 99, comparing inFlight ÷ weight gives it many times its share.
//
// An endpoint that slows down collects requests in flight and so gets fewer; nobody has to measure it.
//
// # Panic
//
// Endpoints that the caller calls unusable (their breaker is open) are left out. If that is all of them, all are used:
// ejecting the last endpoint turns a bad answer into none (Envoy's panic threshold). The caller is told.
//
// # Promises
//
// The choice is a pure function of the dice, the counters and what usable says; it allocates nothing. usable must not take
// anything: it may be asked more than once, also about endpoints that are not taken. It is asked about two endpoints as long as nearly all are usable, about all of them once when few are.
//
// Counters outlive a change of configuration: Update gives a new pool in which endpoints with the same URL go on with
// the same counter, so that requests that began in the old pool are seen in the new one.
//
// # Not done
//
// No health checks, no ejection, no zones: the caller decides what is usable, and keeps what it knows of an endpoint in
// a slice of its own, by Endpoint.Index.
package upstream
