package record_test

import (
	"bytes"
	"testing"

	"triage/bench/record"
)

func TestSmall(t *testing.T) {
	whole := small()
	whole.Runs[0].Histograms = append(whole.Runs[0].Histograms, record.Interval{Class: "critical", Latency: whole.Runs[0].Histograms[0].Latency})
	var before, after bytes.Buffer
	if err := record.Encode(&before, whole); err != nil {
		t.Fatal(err)
	}
	got := whole.Small()
	for i, run := range got.Runs {
		if run.Latencies != nil || run.Gauges != nil || len(run.Routes) != len(whole.Runs[i].Routes) || len(run.Histograms) != 1 || run.Histograms[0].Phase != -1 || run.Histograms[0].Latency.Count() != 200 {
			t.Errorf("run %d: %+v; want it without percentiles by second and gauges, one histogram, and all the rest", i, run)
		}
	}
	if err := record.Encode(&after, whole); err != nil || !bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Errorf("%v; the record itself was changed", err)
	}
}
