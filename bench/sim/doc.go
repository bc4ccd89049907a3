// Package sim answers one question: what does a policy do to a backend in trouble, measured in virtual time against an oracle?
//
// # The model
//
// A discrete-event simulator runs policies (the real code of package shed, or a peer's equations) against a model of a backend:
// routes that take steps on shared resources, one after the other. A resource has slots with waiters in the order of arrival, or
// is a processor that everybody shares; a step may keep its slot until the request is done with, as a worker does that waits for a
// database, and steps may come after the answer, as a stream does that keeps its connection. Locks are contended for (a service
// takes 1 + c·min(waiters/size, 10) as long), caches run cold, garbage collectors pause, queues have bounds, and what a client no longer waits for is worked on all the same unless
// the backend abandons it. Service times are constant, exponential, lognormal or Pareto. In front stand one or several sidecars, each
// with a policy and a process that may stand still. Clients arrive open-loop (Poisson, rates constant in pieces), leave after a
// deadline, try again, and walk through journeys that end at the first stage they do not get.
//
// Times are virtual, rates in requests a second. Everything is drawn from one seed, and what is drawn for a request does not
// depend on the policy: two policies meet the same users with the same service times (common random numbers). Equal
// arguments give equal runs, to the last event. A slowness multiplies services that begin while it lasts, of a processor also those
// under way. Retries count as attempts; what users wanted counts once.
//
// # The oracle
//
// Oracle runs the same scenario with a policy that sees the backend itself. It has one waiting room, before the backend, and
// lets a request go at the instant at which there is a slot for it on every resource that it needs: class by class, in a class
// who has come furthest in a journey, then who came first. So it is the strict-priority knapsack over resource-seconds, solved at
// every event instead of every second, and in it is lost what is physically lost: what was in flight when a fault began, what burns
// on for clients who left, hit shares of cold caches. It knows means and faults, not what a single request will take; it refuses
// whoever cannot be expected to be answered in time (deadline less three mean service times). Its process never stands still, its
// clock never jumps, and it is one even where there are several sidecars.
//
// What it is not: an optimum. It does not look ahead, does not prefer small requests (among equals nobody may), and does not keep
// anybody out who could be served now for the sake of somebody more important who may come: its services are not interrupted either.
// Of the endpoints it knows which one fails or hangs, and goes round it; slow ones take their turn. Where clients come again after
// a refusal a policy can serve more than the oracle.
//
// # The zoo and the measures
//
// Zoo gives the built-in episodes: families of scenarios in YAML (zoo/*.yaml) whose numbers are ranges. Each seed draws a scenario
// of its own. What is tuned is tuned on the draw "development"; what is claimed is measured on "judging". Phases carry labels (calm, slow,
// overload, errors) that say what may be asked of a policy; a test holds the labels to the oracle. Measures says what is measured
// and what the goals are; Bench runs pairs of episodes and policies and takes the median and the worst of the seeds.
//
// # Promised
//
// A policy is called from one goroutine, with a time that never goes backwards; each request arrives once, and each that was
// started is done once or is still under way when the run ends. A minute at 2,000 requests a second takes well under a second of one core.
//
// # Breakers
//
// The law's sidecars have the real breakers (package breaker, in the simulator's time) and the real choice between endpoints (package
// proxy/upstream), wired as in package proxy: the route's breaker, then the less loaded of two endpoints whose breakers let the request
// pass. They hear what the proxy's would: errors and timeouts are failures, what clients gave up says nothing. They belong to the
// policy "law" (Chooser); a peer has what its publication has, and its endpoints take turns. A critical request counts as a probe if
// a half-open breaker let it through although, in the case of an endpoint, another one was there to take it.
//
// # Not done
//
// Rate limits, degrading, connections and their set-up; a reset connection is an error at once, half an answer one after the work. It ranks ideas and finds death spirals within seconds; it is no
// evidence about sockets, schedulers and garbage collectors: that is measured against the binary.
package sim
