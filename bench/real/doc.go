// Package real answers one question: does the real proxy do to real requests what the simulator says that its law does?
//
// A Trial is a scenario of the simulator with a seed. It is run twice. In virtual time, as package sim does: against the oracle and
// against the law. And in real time over sockets: a backend with the scenario's capacity (package origin), Triage in front of it as
// a process of its own, and the scenario's clients (sim.Crowd, sent by package load). The users, their instants and the service time
// of every single request are the same in both, for a request brings its number along, and from it all is drawn that is drawn
// for it. What differs is the proxy, the sockets, the scheduler, the clock.
//
// # What is compared
//
// The clients' view is made into a sim.Result, and sim.Judge measures it against the oracle's run in virtual time, as it does with the
// simulated law. Compare puts both side by side. A measure agrees if the two differ by no more than its margin (Margins). A law
// that decides anew ten times a second is sensitive to small things, in some measures so much that two simulated runs with the same
// scenario and other users differ by more than any margin that would say something: so the simulation is run with other users
// as well, and what lies outside the margin but within what those have shown scatters, and does not differ.
//
// When the backend began with a request is what the backend says itself (origin.Truth); a request that the backend never saw was not
// admitted. A degraded answer is a refusal.
//
// # The machine
//
// Clients, proxy and backend share the cores. Late sends, and services that the backend notices late, are the sign that the machine
// was measured and not the proxy: they are counted and shown. A scenario that asks for more than a small machine can send is
// scaled: pools, bounds, caches and rates together, in the simulation as in reality, and the report says so.
//
// # Not carried over
//
// Clocks that jump, and services below a millisecond and a half, of which timers would be a large part: Carry says so. Sidecars that are
// replaced are started before the run and asked from their phase on; sidecars that stand still are stopped by a signal. An endpoint
// that leaves requests lying is not carried over either. TriageFront.NoBreakers turns the breakers of routes off.
package real
