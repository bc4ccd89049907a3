package peer

import (
	"time"

	"triage/bench/sim"
)

// None lets everything run: the backend without a proxy in front.
type None struct{ immediate }

// NewNone makes a policy that never refuses.
func NewNone(Settings) sim.Policy { return &None{} }

// Arrive runs the request.
func (n *None) Arrive(now time.Duration, r *sim.Request) sim.Verdict { return n.run(now, r) }

// Done forgets it.
func (n *None) Done(now time.Duration, r *sim.Request, _ sim.Outcome) { n.end(now, r) }
