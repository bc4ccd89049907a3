// Package incident answers one question: what happened, what was done about it, and is it over?
//
// # The states
//
//	quiet ──protection acts, or a person says so──▶ open ──baseline held for 10 s──▶ mitigated ──nothing is given up──▶ watching ──▶ resolved
//	                                                  ▲                                  │                                │            │
//	                                                  └───────────────── it relapses for 3 s, or acts again within 30 min ─────────────┘
//
// Open: the protected routes (those of the most important class) are not at their baseline. Mitigated: they are, for ten seconds, but something is
// given up for it: a class degraded, a breaker open, an endpoint out. Watching: they are, and nothing is given up. Resolved: they were for resolve_after, with
// at least nine tenths of the traffic that there was when the incident began, and nothing that a person has set by hand is outstanding. Time with
// less traffic does not count and does not spoil what has been counted. Until then Missing says what is missing. A person may resolve sooner only
// if nothing but time is missing.
//
// A machine (machine.go) decides this; it is pure: it is handed the time and Signals. Time is monotonic; a gap counts for two seconds at most, so
// that neither a clock that jumps nor a process that slept resolves anything.
//
// # The record
//
// An Incident is a fold over its entries (fold.go), so that what is on disk is all there is to know. Entries come from the control law and the
// breakers, from verdicts, and from people; each says who, about what, from what, to what, why. Once a second what the law did is gathered into one
// entry a kind and subject, 50 entries at most, the rest counted. An incident keeps 2,000 entries; the oldest signals go first, what people
// said and did never. 100 incidents are kept, for 90 days.
//
// # On disk
//
// JSON lines, appended by one goroutine (store.go). A torn last line, and any other that is no entry, is skipped and counted. When the disk is full or gone
// lines wait (4,096, then the oldest are lost and counted), the error is told, and it is tried again every five seconds. Nothing else waits for it.
//
// # Severity, and what would have been
//
// Each incident is rated (severity.go) by what it has cost; the record keeps the worst. Beside what happened to the
// protected routes stands what package without estimates for the case without protection, with its margin.
//
// # Not done
//
// Paging. Incidents of a fleet put together.
package incident
