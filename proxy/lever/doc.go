// Package lever answers one question: what has a person set by hand, why, and until when?
//
//	class ROUTE=CLASS        another class                                      operator
//	shed ROUTE=SHARE         refuse a part of it, always the same users         operator
//	limit ROUTE=NUMBER       so many under way at once                          operator
//	breaker ROUTE=open       refuse all of it; closed: call whatever fails      operator
//	drain ENDPOINT           no new requests                                    operator
//	freeze UPSTREAM          observe: decide, report, refuse nothing            operator
//	kill                     Triage interferes with nothing                     admin
//
// Whatever gives up a route of the most important class wants an admin. Each lever has a person, a reason and an end, an hour from now unless they say
// otherwise and three days at most. It is undone by taking it out of the book and working the rest out anew, so an undo never brings back more
// or less than it took. There is one lever of a kind on a target; the next one takes its place, and the first counts as undone.
//
// The book is a file of JSON lines, appended and never rewritten: the audit log. Each line has before and after. Read again at the start it says
// which levers are still pulled, so a restart keeps them. If it cannot be written the lever works all the same, for it is pulled in need, and the
// trouble is told.
//
// Not done: levers over a fleet.
package lever
