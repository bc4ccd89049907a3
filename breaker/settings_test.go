package breaker_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"triage/breaker"
)

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		in   breaker.Settings
		want string
	}{
		{"zero value", breaker.Settings{}, ""},
		{"share of one", breaker.Settings{FailureShare: 1}, ""},
		{"long open period alone", breaker.Settings{OpenFor: time.Hour}, ""},
		{"share over one", breaker.Settings{Name: "checkout", FailureShare: 1.1}, `making breaker "checkout": failure share is 1.1`},
		{"share below 0", breaker.Settings{FailureShare: -0.1}, "failure share"},
		{"share not a number", breaker.Settings{FailureShare: math.NaN()}, "failure share"},
		{"probes below 0", breaker.Settings{Probes: -1}, "probes is -1, must be 1 to 1000"},
		{"too many probes", breaker.Settings{Probes: 1001}, "probes is 1001"},
		{"open period below 0", breaker.Settings{OpenFor: -1}, "open period is -1ns, must be at least 1ms"},
		{"open period too short", breaker.Settings{OpenFor: time.Microsecond}, "open period"},
		{"longest below first", breaker.Settings{OpenFor: 2 * time.Second, MaxOpen: time.Second}, "longest open period is 1s, must be at least the open period, 2s"},
		{"lease below 0", breaker.Settings{LeaseFor: -1}, "lease is"},
		{"ramp below 0", breaker.Settings{RampFor: -1}, "ramp is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := breaker.New(c.in)
			if c.want == "" {
				if err != nil || b.State() != breaker.Closed {
					t.Fatalf("New(%+v): %v, want a closed breaker", c.in, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New(%+v): error %v, want %q", c.in, err, c.want)
			}
		})
	}
}

func TestStateWords(t *testing.T) {
	for state, want := range map[breaker.State]string{
		breaker.Closed: "closed", breaker.HalfOpen: "half-open", breaker.Open: "open",
	} {
		if got := state.String(); got != want {
			t.Errorf("state %d is %q, want %q", state, got, want)
		}
	}
}
