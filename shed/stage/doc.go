// Package stage answers one question: how far has this session come?
//
// Somebody who is about to pay is worth more than somebody who has just come, but a client cannot be believed when it says which of
// the two it is. So a session's stage is what this process has seen it complete: the caller says so after an answer, and asks
// when the session's next request comes in. A session that nobody has seen complete anything is not known here at all.
//
// The table has a fixed number of places, in sets of eight: a session belongs to one set, by a seeded hash, and no client can choose
// which. A place is free when nothing was heard of its session for a quarter of an hour. When a set has no free place, a newcomer
// takes that of the session that has come least far, of several the one that was heard of least lately; if all of them have come
// further than the newcomer, it is not taken in. So whoever invents sessions can drive out what has come no further than the
// invented ones have, and nobody else. To come further takes answers of the backend, one a session and stage.
//
// A session also keeps the origin that it had when it first completed something: what it is put into a cohort by, so that a user's
// cohort stays when the address changes, and does not depend on an id that a client could choose.
//
// Promised: memory does not depend on the number of sessions; a session's stage never falls while it is known; no session is driven
// out by one that has come less far. Two sessions are taken for one with a probability of 1e-13 (two of a full table's with the
// same 64 bits, 1e-9).
//
// The table is handed the time. It is safe for concurrent use: 64 locks, of which a request takes one, for a few nanoseconds.
package stage
