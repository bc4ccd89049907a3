// Package breaker answers one question: may this be called?
//
// "This" is a route or an endpoint. A breaker turns a partial failure into a total one, so it is for calls that fail
// nearly always; less than that is the business of shedding and of endpoint ejection.
//
// Two types. Circuit decides: it is handed the time and the dice, so the proxy, the tests and the simulator run the same code. Breaker
// is a circuit with a lock and a clock. Which settings a route and an endpoint get is in roles.go.
//
// # Closed: when to open
//
// The decision is Wald's sequential probability ratio test in CUSUM form (Page 1954), a pure function in evidence.go.
// With p0 = 0.6·FailureShare and p1 = min(0.98, 1.4·FailureShare), or as the settings say, a failure adds ln(p1/p0) nats of evidence, a success
// adds ln((1-p1)/(1-p0)), which is negative, and the sum never falls below 0. It opens at
//
//	ln((1-β)/α) + ln(max(1, N/5)),   α = 0.001, β = 0.01
//
// where N is the number of requests in memory: each counts half after every 60 s. The second term is ours. A threshold in
// requests alone is a false alarm every so many requests, so the busier the route, the more often it would open for
// nothing: with the first term alone, 400 requests a second of which 30 % fail open it every 22 s. With the second the
// false alarms are rare in time, whatever the rate, for a price that is a logarithm. Average run lengths for the default
// share of 50 % (simulated; the 30 % row at 100 and 400 from the Markov chain; evidence_test.go checks both):
//
//	share that fails   just started   1 request/s    100 requests/s   400 requests/s
//	100 %              9 requests     13 requests    17 requests      19 requests
//	 70 %              24 requests    33 requests    41 requests      46 requests
//	 50 %              170 requests   280 requests   325 requests     380 requests
//	 30 %              as N grows     5 days         22 hours         30 hours
//
// That is an endpoint's law: others take over. A route has nowhere else to go, so what still succeeds would be lost: unless it is given
// a share of its own it is tested for 98 % against 75 %, and one of the most important class for 99 % against 90 % (SparedAt, OpenedAt).
// At 100 requests a second:
//
//	share that fails   route                most important class
//	100 %              54 requests          150 requests
//	 95 %              120 requests         4,000 requests
//	 90 %              500 requests         as good as never
//	 80 %              90,000 requests      as good as never
//
// The sum itself halves every 60 s, so last week's failures do not count, and a route that gets less than about six requests
// a minute never opens: there, a breaker spares nobody much. (Of the most important class: less than about two requests a second.)
//
// # Open: for how long
//
// OpenFor·2^n, never more than MaxOpen, ±20 % so that a fleet does not probe in step (period.go). n grows with every opening
// and falls back to 0 after 60 s closed.
//
// # Half-open: when to close
//
// At most Probes leases are out at once. A lease that is not returned within LeaseFor counts as a failure and its late
// result is ignored, so a probe that never comes back cannot hold the breaker half-open for ever. The trial is a
// sequential test as well (trial.go): six more successes than failures close it, two more failures than successes open it
// again. That is p0 = 0.3 against p1 = 0.7, with a risk under one per cent of closing onto a broken backend, and
// deliberately impatient on the other side: staying open wrongly costs one more period, each further failing probe costs a
// client. Onto a backend with 30 % errors, where closed is right, it closes 82 % of the time; six successes in a row, which is
// all that gobreaker can ask for, would 12 %. The shares are fixed and do not follow FailureShare: half-open asks whether it is
// back at all; whether it is good enough is judged by the closed law, during the ramp.
//
// Which requests become probes is decided by what would be lost with them (spend.go): the least important and idempotent ones first; a
// critical one only after a second in which nobody else has asked. Ask AllowAs and ReadyAs with the request's cost.
//
// # Brown-out: open, but never shut
//
// With Trickle an open breaker lets an even share pass, one a second at least (trickle.go), and has no open periods and no probes: the
// trickle is a trial without an end, which closes it with six more successes than failures. Failures that are ahead are forgotten, so
// the way back does not depend on how long it was open. A route of the most important class is browned out to a tenth and never
// stopped: what a deploy that fails nearly always still serves is then not lost altogether, and that it has been repaired is known
// six requests of the trickle later, not at the end of an open period.
//
// # After closing: the ramp
//
// For RampFor an evenly spaced share of the requests passes, growing in a straight line from 10 % to 100 % (ramp.go), because
// everything that was refused comes back at once (17 times the usual traffic has been seen) and would break it again.
//
// # gobreaker
//
// github.com/sony/gobreaker/v2 is the state machine: its two-step breaker goes closed, open, half-open, closed or open again.
// Three things are kept away from it, for these reasons (machine.go):
//
//   - Its Timeout is fixed for life, ours grows; and it looks at the wall's clock, where ours is handed the time. So one gobreaker lives
//     for one open period, with a Timeout of a nanosecond, and is asked to go on when our period is over. (Should the wall's clock not
//     have moved since it opened, it is asked again by the next request.)
//   - Its half-open state has no end if a probe is lost, and any failed probe opens it. So what it is told of as one request
//     is the whole trial.
//   - In the closed state it would allocate one closure and take two locks a request. So it hears of the failure that
//     opens and of nothing else. Allow and Done take 20 ns and allocate nothing, 110 ns while failures make the evidence
//     count; gobreaker's take 168 ns and 48 bytes (one core, benchmarks beside the code).
//
// # Promised
//
// Allow and Done allocate nothing and take no lock while the route is healthy; refusing while open takes no lock either. There
// is no goroutine and no timer, so nothing to close: states change when somebody asks. Time may stand still, jump or go back
// (clock.go): a clock that is set back by hours does not keep a breaker open for hours, and after a jump every period is over.
// Results of an earlier state never count. Ignored outcomes never count. Whatever callers do with their passes, once the backend is
// healthy and asked, the breaker closes (property tests).
//
// # Not done
//
// It does not look at latency. It does not know whose fault a failure was: the caller says Ignored for the client's. As a lease that runs
// out is a failure, the caller must cut slow clients off before LeaseFor.
package breaker
