// Package origin answers one question: what would a backend with real, limited capacity have answered, and when?
//
// An Origin is an http.Handler whose routes take service time in pools of slots, as a shop's routes take connections of
// one database. It exists to be overloaded: the truth about what it did is in its Snapshot, so that a proxy in front of
// it can be judged.
//
// # Law
//
// A request of route r draws for each of its steps a service time s from a distribution with a given mean: constant, exponential,
// lognormal or Pareto (package chance). It draws from its own number, which it may bring along (LuckHeader).
//
// It joins the FIFO queue of the step's pool and gets one of the pool's Size slots. When it gets it, with w others waiting
// behind it, it holds it for
//
//	s · slow · (1 + Contention · min(w ÷ Size, MaxContention))       seconds
//
// where slow is what Faults say. A pool that is a Processor has no queue: above Size it gives each its share. Contention is what locks and caches do to a database under a crowd: each
// waiter makes everybody slower, so a flooded pool does less work, not more, and needs longer to drain than it took to
// fill. The model and its usual constants (Contention 0.3, MaxContention 10, σ 0.5) are those of the simulator with which
// the control law was tried.
//
// A service begins at the instant the one before it in the same slot was due to end, not when the timer of that one was
// noticed, so that timer lateness (about a millisecond) delays answers but takes no capacity away. When the machine is
// short of CPU, answers come late and in bursts, and what the clients measure is the machine; Snapshot.Late and the load
// generator's late sends tell.
//
// Who waits, stays: a client that leaves neither leaves the queue nor stops its service, as in a server with a thread per
// request over a database that does not hear about it. PoolSettings.LeaveQueue lets those who have no slot yet go,
// Settings.Abandon everybody.
//
// # What goes wrong
//
// Faults are what is wrong at the moment: slow or smaller pools, slow routes, shares of requests that fail at once or hang,
// that have their connection reset or half an answer, cold caches, one bad endpoint, an address at which nobody listens. Play lets them come and go by a script; Control does so from outside, and gives the Truth: what
// became of every request, by the backend's own count.
//
// # Promised
//
//   - FIFO order within a pool; never more than Size in service; a slot is never idle while someone waits.
//   - At most MaxWaiters wait in all pools together; who comes after that gets 503 at once.
//   - For each route Begun = Served + Failed + Refused + Abandoned + Stopped + in flight, in every Snapshot.
//   - The nth request of a route draws the same luck with the same Seed, whatever the other routes do; a request that
//     brings its luck has it, whoever came before.
//
// # Not done
//
// Priorities, request bodies (read up to a megabyte and forgotten), streaming, TLS. In a
// pool of slots slowness counts for services that begin after it; those that run keep their speed.
package origin
