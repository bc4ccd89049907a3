// Package peer answers one question: what would the others have done with these requests?
//
// Each file is one contender as a sim.Policy: its published equations and its published defaults, so that package sim can run
// it against the same backend, arrivals and seeds as the law under test.
//
//	none        everything runs
//	static      a fixed concurrency limit, set by hand
//	envoy-ac    Envoy adaptive_concurrency: gradient controller
//	envoy-adm   Envoy admission_control: client-side throttling by success rate
//	gradient2   Netflix concurrency-limits: Gradient2 and partitions with guaranteed shares
//	dagor       WeChat DAGOR: compound priorities and a cursor
//	cinnamon    Uber Cinnamon: PI rejector, priority queue, auto-tuned limit
//	failsafe    failsafe-go: adaptive limiter with prioritizer
//
// # The law of a peer
//
// A constant carries its source. What a source leaves open is chosen in the peer's favour and marked "ours". A human's
// knowledge enters by Settings.Hand alone, so that a table can say who was told what. Latency is what a sidecar sees: from
// the moment the peer lets a request go until its response, its timeout or its client's leaving. Times are virtual; every die
// comes from Settings.Seed, so a run repeats.
//
// # Promised
//
// A request that arrives is answered once: run, refuse, or wait and be woken or leave. Memory is bounded by the requests in
// flight, by the peer's own queue and by fixed windows. A time that stands still or steps back counts as no time.
//
// # Not done
//
// These are equations, not programs: no worker threads (Envoy keeps admission statistics per thread), no races, no
// connection pools, no retries of their own, no health checks. What one peer leaves out stands at the top of its file.
// Numbers of the real programs come from real sockets, not from here.
package peer
