// Package peer answers one question: who else could stand in front of the backend, and how would somebody who has read their manual
// set them up?
//
// A Contender is a proxy, twice if it can be tuned: as its own documentation advises, and with what an operator could not know (which
// routes share a pool, how large it is, how much is wanted). A third configuration, bare, is for what forwarding costs: nothing but that, on one
// core, and a quota; libraries decide about each request and let it through, and Triage has everything on. A fourth, alike, is bare with Triage's duties:
// what of Triage's cost is duties, and what the wire. Each is a process of its own, started in the same way on a free port of this
// machine in front of the same backend. Routes and their classes are told to all that can use them. The templates folder has the
// configurations; each names the page that advises it. Contenders written in Go are subcommands of this program; their source,
// package library, is their configuration.
//
// A contender whose program is not installed is absent, with the command that would install it: it is never left out silently.
package peer
