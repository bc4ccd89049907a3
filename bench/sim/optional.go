package sim

import (
	"time"

	"triage/shed"
)

// A policy may do more than Policy asks: each of these is looked for.

// Adviser tells a refused client when to come again. A policy that is none says one second.
type Adviser interface {
	RetryAfter(now time.Duration, r *Request) time.Duration
}

// Chooser has a say in which endpoint an admitted request goes to, the moment before it goes there, and whether the call is worth it. With
// ok false the request is refused for the reason that Choose has written into it, and is not told Done of. For a policy that is none,
// the endpoints take turns.
type Chooser interface {
	Choose(now time.Duration, r *Request) (endpoint int, ok bool)
}

// Gauge has a concurrency limit: the number of requests it lets run in what it limits at the moment, 0 for none.
type Gauge interface{ Limit() float64 }

// Journal keeps a record of what it changed and why.
type Journal interface{ Entries() []shed.Entry }

// Prober counts requests of the most important class that it spent on finding out whether a breaker may close, where there was another
// way to serve them or others to spend.
type Prober interface{ CriticalProbes() int }
