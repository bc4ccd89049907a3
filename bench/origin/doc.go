// Package origin answers one question: what would a backend with real, limited capacity have answered, and when?
//
// An Origin is an http.Handler whose routes take service time in pools of slots, as a shop's routes take connections of
// one database. It exists to be overloaded: the truth about what it did is in its Snapshot, so that a proxy in front of
// it can be judged.
//
// # Law
//
// A request of route r with mean service time m (RouteSettings.Service) and spread σ (RouteSettings.Sigma) draws
//
//	s = m                                  σ = 0
//	s = exp(ln m − σ²/2 + σ·N(0,1))        σ > 0, lognormal; its mean is m, not its median
//
// It joins the FIFO queue of its pool and gets one of the pool's Size slots. When it gets it, with w others waiting
// behind it, it holds it for
//
//	s · slow · (1 + Contention · min(w ÷ Size, MaxContention))       seconds
//
// where slow is the factor last given to Slow. Contention is what locks and caches do to a database under a crowd: each
// waiter makes everybody slower, so a flooded pool does less work, not more, and needs longer to drain than it took to
// fill. The model and its usual constants (Contention 0.3, MaxContention 10, σ 0.5) are those of the simulator with which
// the control law was tried.
//
// A service begins at the instant the one before it in the same slot was due to end, not when the timer of that one was
// noticed, so that timer lateness (about a millisecond) delays answers but takes no capacity away. When the machine is
// short of CPU, answers come late and in bursts, and what the clients measure is the machine; the load generator's late
// sends tell.
//
// Who waits, stays: a client that leaves neither leaves the queue nor stops its service, as in a server with a thread per
// request over a database that does not hear about it. PoolSettings.LeaveQueue lets those who have no slot yet go; nobody
// gives a slot back early.
//
// # Promised
//
//   - FIFO order within a pool; never more than Size in service; a slot is never idle while someone waits.
//   - At most MaxWaiters wait in all pools together; who comes after that gets 503 at once.
//   - For each route Begun = Served + Failed + Refused + Abandoned + Stopped + in flight, in every Snapshot.
//   - The nth request of a route draws the same luck with the same Seed, whatever the other routes do.
//
// # Not done
//
// Priorities, request bodies (read up to a megabyte and forgotten), streaming, TLS. Slow counts for services that begin
// after it; those that run keep their speed.
package origin
