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
		{"lease for ever", breaker.Settings{LeaseFor: math.MaxInt64}, "lease is 2562047h47m16.854775807s, must be at most 720h0m0s"},
		{"open for ever", breaker.Settings{OpenFor: math.MaxInt64}, "open period is"},
		{"trickle below 0", breaker.Settings{Trickle: -0.1}, "trickle is -0.1, must be at least 0 and below 1"},
		{"trickle of all", breaker.Settings{Trickle: 1}, "trickle is 1"},
		{"trickle not a number", breaker.Settings{Trickle: math.NaN()}, "trickle is NaN"},
		{"share of infinity", breaker.Settings{FailureShare: math.Inf(1)}, "failure share"},
		{"spared over opened", breaker.Settings{SparedAt: 0.9, OpenedAt: 0.8}, "spared at a share of 0.9 and opened at 0.8"},
		{"opened at all", breaker.Settings{SparedAt: 0.9, OpenedAt: 1}, "below 1"},
		{"spared at nothing", breaker.Settings{OpenedAt: 0.5}, "spared at a share of 0"},
		{"spared at no number", breaker.Settings{SparedAt: math.NaN(), OpenedAt: 0.5}, "NaN"},
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

func TestRoles(t *testing.T) {
	timeout := 2 * time.Second
	checkout := breaker.Settings{}.ForRoute(true, timeout)
	search := breaker.Settings{FailureShare: 0.5, OpenFor: 10 * time.Second}.ForRoute(false, timeout)
	machine := breaker.Settings{Probes: 7}.ForEndpoint(timeout)
	if checkout.Trickle != 0.1 || checkout.OpenedAt != 0.99 || search.Trickle != 0 || search.OpenedAt != 0 || search.MaxOpen != 10*time.Second {
		t.Errorf("checkout %+v, search %+v; want a brown-out and the latest law, and what was asked for", checkout, search)
	}
	if recs := (breaker.Settings{FailureShare: 1}).ForRoute(false, timeout); recs.OpenedAt != 0.98 || recs.Trickle != 0 {
		t.Errorf("recommendations %+v; want a law between that of an endpoint and checkout's", recs)
	}
	if machine.Probes != 1 || machine.Trickle != 0 || machine.LeaseFor != 7*time.Second || checkout.LeaseFor != 7*time.Second {
		t.Errorf("endpoint %+v; want one probe with a lease of 7s", machine)
	}
	for _, s := range []breaker.Settings{checkout, search, machine} {
		newBreaker(t, s)
	}
}
