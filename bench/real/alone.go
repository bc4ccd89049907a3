package real

import (
	"fmt"

	"triage/bench/record"
	"triage/bench/sim"
)

// Ideal is the oracle's run of what was seen.
func (s Seen) Ideal(dice uint64) (Virtual, error) {
	ideal, err := sim.Oracle(s.Scenario, dice)
	if err != nil {
		return Virtual{}, fmt.Errorf("running the oracle: %w", err)
	}
	return Virtual{Oracle: ideal}, nil
}

// Harness is what is said of the measuring side, of a trial that is not put beside the simulated law.
func (s Seen) Harness(busy string, voided int) record.Harness {
	r := Run{
		Busy: busy, Voided: voided, Late: s.Clients.Late, LateAnswers: s.Backend.Late, Asked: s.Asked, Slow: s.Slow, Cut: s.Cut,
		Seconds: s.Scenario.Lasts().Seconds(), Backend: s.Backend.Routes,
	}
	for _, c := range s.Clients.Classes {
		r.Sent += c.Total.Offered
		r.Overrun += c.Total.Overrun
	}
	return r.harness()
}
