package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"triage/bench/peer"
	"triage/bench/real"
	"triage/bench/record"
)

// Settings say what is compared.
type Settings struct {
	Trials []real.Trial
	Peers  []peer.Contender
	// Backend starts a trial's backend.
	Backend func(context.Context, real.Trial) (real.Backend, error)
	// Rounds is how often everything is measured; 0 means 1.
	Rounds int
	// Beside is how many contenders run at the same time; 0 means 1.
	Beside int
	// Again is how often a void run is made again.
	Again int
	// Record is what the record begins with: command, program, machine.
	Record record.Record
	// Before is a record of the same that was cut short; nil: there is none.
	Before *record.Record
	// Keep is told of the record after each step; nil: nobody is.
	Keep func(record.Record) error
	// Progress is told before each step; nil: nobody is.
	Progress func(Progress)
}

// mostBeside is more than any machine should bear.
const mostBeside = 16

func (s Settings) withDefaults() Settings {
	s.Rounds, s.Beside = max(s.Rounds, 1), max(s.Beside, 1)
	if s.Keep == nil {
		s.Keep = func(record.Record) error { return nil }
	}
	if s.Progress == nil {
		s.Progress = func(Progress) {}
	}
	return s
}

func (s Settings) check() error {
	var problems []error
	if len(s.Trials) == 0 {
		problems = append(problems, errors.New("no scenario: want at least one"))
	}
	if !slices.ContainsFunc(s.Peers, func(c peer.Contender) bool { return c.Absent() == "" }) {
		problems = append(problems, errors.New("no peer that is there: want at least one"))
	}
	if s.Beside > mostBeside {
		problems = append(problems, fmt.Errorf("%d beside each other: want at most %d", s.Beside, mostBeside))
	}
	return errors.Join(problems...)
}

// Progress is what comes next.
type Progress struct {
	Round    int
	Scenario string
	Seed     int
	Peers    []string
	// Again counts how often the step was made before.
	Again int
	// Done and All count runs.
	Done, All int
}
