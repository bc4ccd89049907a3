package sim_test

import (
	"math"
	"testing"

	"triage/bench/sim"
)

// A goal that one policy alone is measured on would be a present to it.
func TestWhatOnePolicyAloneIsMeasuredOnIsNotCompared(t *testing.T) {
	n := len(sim.Measures())
	record := func(policy string, alone float64) sim.Record {
		v := make(sim.Values, n)
		v[n-1] = alone
		return sim.Record{Policy: policy, Median: v, Worst: v}
	}
	both := sim.Compared([]sim.Record{record("law", 0), record("peer", math.NaN())})
	if both[n-1] || !both[0] {
		t.Errorf("beside a peer that lacks the last measure: first %v, last %v; want true, false", both[0], both[n-1])
	}
	if shared := sim.Compared([]sim.Record{record("law", 0), record("peer", 0)}); !shared[n-1] {
		t.Error("a measure that both have is not compared")
	}
	if single := sim.Compared([]sim.Record{record("law", 0)}); !single[n-1] {
		t.Error("a policy by itself is not judged on all it is measured on")
	}
}
