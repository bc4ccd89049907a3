package peer

import (
	"math/rand/v2"
	"time"

	"triage/bench/sim"
)

// Envoy's admission_control: source/extensions/filters/http/admission_control; defaults from its API (v3).
const (
	admWindow    = 30 * time.Second // sampling_window
	admThreshold = 0.95             // sr_threshold
	admMaxReject = 0.80             // max_rejection_probability
	admBucket    = time.Second      // granularity of the history, thread_local_controller.cc
	admAccuracy  = 1e4              // shouldRejectRequest compares four digits
)

// EnvoyADM is Envoy's admission_control filter: requests are rejected at random by the success rate of the last 30 s, one rate for
// all routes of a virtual host, no priorities. Success is a status below 500; Envoy's own 504 is a failure; clients that leave
// are not recorded (issues 36415, 44412). Left out: aggression (1 by default, so the root is the identity), rps_threshold (0),
// gRPC codes; Envoy counts per worker thread, here there is one.
type EnvoyADM struct {
	immediate
	dice    *rand.Rand
	history []admCounts // oldest first, at most one a second of the window
	total   admCounts
}

type admCounts struct {
	at                  time.Duration
	requests, successes int
}

// NewEnvoyADM makes a filter with an empty history.
func NewEnvoyADM(s Settings) sim.Policy { return &EnvoyADM{dice: s.dice(2)} }

// Arrive rejects with the probability that the history asks for. A rejected request is not recorded.
func (p *EnvoyADM) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	p.forget(now)
	if admAccuracy*admProbability(p.total.requests, p.total.successes) > float64(p.dice.IntN(admAccuracy)) {
		return refuse(r, "admission")
	}
	return p.run(now, r)
}

// admProbability is (n − s ÷ threshold) ÷ (n + 1), between 0 and the maximum.
func admProbability(requests, successes int) float64 {
	p := (float64(requests) - float64(successes)/admThreshold) / float64(requests+1)
	return min(admMaxReject, max(0, p))
}

// Done records success or failure.
func (p *EnvoyADM) Done(now time.Duration, r *sim.Request, o sim.Outcome) {
	if _, _, ok := p.end(now, r); !ok || o == sim.Abandoned {
		return
	}
	p.forget(now)
	if n := len(p.history); n == 0 || now-p.history[n-1].at >= admBucket {
		p.history = append(p.history, admCounts{at: now})
	}
	newest := &p.history[len(p.history)-1]
	newest.requests++
	p.total.requests++
	if o == sim.Success {
		newest.successes++
		p.total.successes++
	}
}

// forget drops what is older than the window.
func (p *EnvoyADM) forget(now time.Duration) {
	stale := 0
	for stale < len(p.history) && now-p.history[stale].at >= admWindow {
		p.total.requests -= p.history[stale].requests
		p.total.successes -= p.history[stale].successes
		stale++
	}
	if stale > 0 {
		p.history = p.history[:copy(p.history, p.history[stale:])]
	}
}
