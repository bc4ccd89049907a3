// Package sim answers one question: what does the control law do to a backend, in virtual time?
//
// A discrete-event simulator runs the real code of package shed against a model of a backend: routes on resource pools with
// FIFO waiters, lock contention that grows with the waiters, lognormal service times, error and slowness faults. Arrivals
// are Poisson and open-loop, a client gives up after its deadline while the backend keeps on working for it. Everything is
// drawn from one seed, so a run can be repeated to the last event.
//
// What it is for: ranking ideas and finding death spirals within seconds. What it is not: evidence about sockets,
// schedulers and garbage collectors; that is measured against the binary.
package sim
