package breaker

import (
	"fmt"
	"time"
)

const (
	defaultShare    = 0.5
	mostShare       = 0.98
	defaultOpenFor  = time.Second
	defaultMaxOpen  = 30 * time.Second
	defaultLeaseFor = 30 * time.Second
	defaultRampFor  = 5 * time.Second
	defaultProbes   = 3

	// minDuration is the shortest open period, lease and ramp that means anything to a network.
	minDuration = time.Millisecond
	// maxDuration is what a step forward of the clock counts for at most: it ends everything.
	maxDuration = leap
	// maxProbes bounds the table of leases.
	maxProbes = 1000
)

// Settings is the input of New. The zero value is a breaker with every default.
type Settings struct {
	// Name is handed on in Change.
	Name string
	// FailureShare is the share of failures, over 0 to 1, around which the breaker decides: it opens surely and fast at
	// 1.4 times the share and practically never at 0.6 times. 0: 0.5.
	FailureShare float64
	// SparedAt and OpenedAt are the two shares themselves, below which it practically never and from which it surely opens: for a law
	// that is sharper than a FailureShare can say. 0, both: 0.6 and 1.4 times FailureShare.
	SparedAt, OpenedAt float64
	// OpenFor is the first open period. 0: 1 s.
	OpenFor time.Duration
	// MaxOpen is the longest open period. 0: 30 s, or OpenFor if that is longer.
	MaxOpen time.Duration
	// LeaseFor is how long a probe may take before it counts as failed: the route's timeout and a margin. 0: 30 s.
	LeaseFor time.Duration
	// RampFor is how long after closing it takes until every request passes again. 0: 5 s.
	RampFor time.Duration
	// Probes is how many probes may be out at once while half-open, up to 1000. 0: 3.
	Probes int
	// Trickle is the share of the requests, below 1, that pass while the breaker is open, evenly spaced and at least one a second: a
	// brown-out instead of a full stop. There are no open periods and no probes then: it closes as soon as the trickle is healthy.
	// 0: none.
	Trickle float64
	// Disabled makes a breaker that is always closed.
	Disabled bool
	// Notify is told of each change of state, outside locks, on the goroutine that caused it. Changes that follow each other
	// within microseconds may be told out of order; Change.Time tells. nil: nobody is told.
	Notify func(Change)
	// Dice gives random numbers in [0, 1), for the length of open periods. nil: the process's own.
	Dice func() float64
}

func (s Settings) withDefaults() (Settings, error) {
	if s.FailureShare == 0 {
		s.FailureShare = defaultShare
	}
	if !(s.FailureShare > 0 && s.FailureShare <= 1) {
		return s, fmt.Errorf("failure share is %v, must be over 0 and at most 1", s.FailureShare)
	}
	if s.SparedAt == 0 && s.OpenedAt == 0 {
		s.SparedAt, s.OpenedAt = 0.6*s.FailureShare, min(mostShare, 1.4*s.FailureShare)
	}
	if !(s.SparedAt > 0 && s.SparedAt < s.OpenedAt && s.OpenedAt < 1) {
		return s, fmt.Errorf("it is spared at a share of %v and opened at %v, want the first to be over 0 and less, the second below 1", s.SparedAt, s.OpenedAt)
	}
	if s.Probes == 0 {
		s.Probes = defaultProbes
	}
	if s.Probes < 1 || s.Probes > maxProbes {
		return s, fmt.Errorf("probes is %d, must be 1 to %d", s.Probes, maxProbes)
	}
	if !(s.Trickle >= 0 && s.Trickle < 1) {
		return s, fmt.Errorf("trickle is %v, must be at least 0 and below 1", s.Trickle)
	}
	durations := []struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{
		{"open period", &s.OpenFor, defaultOpenFor},
		{"longest open period", &s.MaxOpen, max(defaultMaxOpen, s.OpenFor)},
		{"lease", &s.LeaseFor, defaultLeaseFor},
		{"ramp", &s.RampFor, defaultRampFor},
	}
	for _, d := range durations {
		if *d.value == 0 {
			*d.value = d.fallback
		}
		if *d.value < minDuration {
			return s, fmt.Errorf("%s is %v, must be at least %v", d.name, *d.value, minDuration)
		}
		if *d.value > maxDuration {
			return s, fmt.Errorf("%s is %v, must be at most %v", d.name, *d.value, maxDuration)
		}
	}
	if s.MaxOpen < s.OpenFor {
		return s, fmt.Errorf("longest open period is %v, must be at least the open period, %v", s.MaxOpen, s.OpenFor)
	}
	return s, nil
}
