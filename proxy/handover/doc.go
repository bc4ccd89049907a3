// Package handover answers one question: how does a new process take over what an old one listens on?
//
// The old process keeps a desk: a unix socket at a path that both know. The new one calls there, and is given descriptors of the listening
// sockets (SCM_RIGHTS). It builds everything it needs, begins to serve, says so, and only then does the old one leave:
//
//	new                                   old
//	connects                      ──▶
//	"triage handover 1"           ──▶
//	                              ◀──     {"pid", "names"} and the descriptors
//	builds, begins to accept
//	"serving"                     ──▶
//	                              ◀──     "leaving"
//	opens its own desk there              accepts no more, ends what is under way
//
// At no instant does nobody accept, and nothing is lost from the kernel's queue, for both descriptors are the same socket. A new process that
// fails on the way, whatever it fails at, leaves the old one as it was: it sees the connection end. Two sockets bound with SO_REUSEPORT would
// each have a queue of their own, and what waits in the old one's is reset when it closes.
//
// # Who may
//
// Whoever has the sockets has the traffic. The desk is a file with mode 0600, and both sides ask the kernel who the other one is: the same
// user, or root. Where the kernel does not say, the file's mode has to do.
//
// # Not done
//
// What the old process has learned stays with it. Connections are not passed on: they end where they are.
package handover
