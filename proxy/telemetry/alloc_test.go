//go:build !race

package telemetry_test

import (
	"testing"

	"triage/proxy"
	"triage/proxy/telemetry"
)

// TestRecordAllocations holds the promise of the package comment. The race detector makes pools forget: under it a line allocates anew.
func TestRecordAllocations(t *testing.T) {
	for name, c := range map[string]struct {
		exchange *proxy.Exchange
		log      telemetry.LogSettings
		most     float64
	}{
		"nobody writes":      {typical(), telemetry.LogSettings{Buffer: 1 << 12}, 2}, // no line comes back to be used again
		"buffer full":        {typical(), telemetry.LogSettings{Buffer: 1}, 1},
		"not logged":         {typical(), telemetry.LogSettings{Disabled: true}, 0},
		"refusal left out":   {refused(), telemetry.LogSettings{Refusals: -1}, 0},
		"refusal not logged": {refused(), telemetry.LogSettings{Disabled: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newTelemetry(t, telemetry.Settings{Log: c.log}).Route("checkout", "critical", "shop")
			if got := testing.AllocsPerRun(1000, func() { rec.Record(c.exchange) }); got > c.most {
				t.Errorf("got %v allocations a record, want at most %v", got, c.most)
			}
		})
	}
}
