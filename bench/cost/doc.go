// Package cost answers one question: what does a request cost that goes through a proxy, and what does one that is refused, kept or waiting?
//
// The proxy is a process of its own, alone on a core. On another core one thread is both ends, clients and origin (Ends): it finds the
// end of a header and writes bytes that were there before. So it does as many system calls a request as a proxy and nothing
// else, and a small machine can measure proxies that are small themselves. Where it is still the bottleneck the run says so.
//
// # What is measured
//
//	cpu          processor time of all processes of the proxy (sum_exec_runtime of their threads, from /proc) ÷ answers, at saturation:
//	             closed loop, every connection asks again at once
//	latency      from the intended instant to the last byte; open loop, Poisson, at shares of the proxy's own saturation and of the
//	             reference's. Added is what is more than without a proxy, at the same rate in the same round
//	refusal      cpu of a request that a quota refuses, beside one that is forwarded
//	connections  proportional set size (smaps_rollup) for each connection more: idle ones that have had an answer, busy ones whose
//	             answer the origin holds back
//	routes, clients, bodies    the same cpu as these grow
//
// # Promised
//
//   - Peers take turns within each round, each started anew, and begin with another one every round; ratios are taken within a round.
//   - Only whole answers with the expected status count. A run in which more than one in a hundred was something else is not valid.
//   - What was measured is kept when a peer dies, when the context ends, when there are too few descriptors for a size.
//
// # Not done
//
// The kernel's memory for sockets is in nobody's set size and is not counted. Packets on loopback are processed by whoever sends them: that
// part of the kernel's work counts for the sender, as it does for every peer.
package cost
