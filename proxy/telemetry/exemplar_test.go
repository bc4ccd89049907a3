package telemetry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"triage/proxy"
	"triage/proxy/telemetry"
	"triage/proxy/trace"
)

// durations gives the histogram of the one route's durations.
func durations(t *testing.T, tel *telemetry.Telemetry) *dto.Histogram {
	t.Helper()
	families, err := tel.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "triage_request_duration_seconds" {
			return f.GetMetric()[0].GetHistogram()
		}
	}
	t.Fatal("there is no histogram of durations")
	return nil
}

// The last traced exchange of each bucket is its example, with its own duration; what was not traced is none.
func TestExemplars(t *testing.T) {
	tel := newTelemetry(t, telemetry.Settings{})
	rec := tel.Route("checkout", "critical", "shop")
	record := func(took time.Duration, id byte) {
		x := typical()
		x.Total = took
		if id > 0 {
			x.Trace = &proxy.Trace{ID: trace.ID{id}}
		}
		rec.Record(x)
	}
	record(5*time.Millisecond, 0)
	if h := durations(t, tel); len(h.Exemplars) > 0 || len(h.Bucket) != 14 {
		t.Errorf("without any trace there are %d examples and %d buckets", len(h.Exemplars), len(h.Bucket))
	}
	for i, took := range []time.Duration{5, 6, 7, 10_000, 10_001} {
		record(took*time.Millisecond, byte(i+1))
	}
	h := durations(t, tel)
	var got []string
	for _, b := range h.Bucket {
		if e := b.Exemplar; e != nil {
			got = append(got, fmt.Sprintf("%v:%s=%.1s %v", b.GetUpperBound(), e.Label[0].GetName(), strings.TrimLeft(e.Label[0].GetValue(), "0"), e.GetValue()))
			if want := typical().Start.Add(time.Duration(e.GetValue() * float64(time.Second))); e.Timestamp.AsTime().Sub(want).Abs() > time.Microsecond {
				t.Errorf("the example of %v is of %v, want %v", b.GetUpperBound(), e.Timestamp.AsTime(), want)
			}
		}
	}
	if want := "0.005:trace_id=1 0.005 0.01:trace_id=3 0.007 10:trace_id=4 10 +Inf:trace_id=5 10.001"; strings.Join(got, " ") != want || len(h.Exemplars) != 4 {
		t.Errorf("examples %s, and %d in all; want %s", strings.Join(got, " "), len(h.Exemplars), want)
	}
	if last := h.Bucket[len(h.Bucket)-1]; last.GetCumulativeCount() != 6 || h.GetSampleCount() != 6 {
		t.Errorf("%d of %d durations are in the last bucket, want 6", last.GetCumulativeCount(), h.GetSampleCount())
	}
	if text := string(telemetry.Line(&proxy.Exchange{Trace: &proxy.Trace{ID: trace.ID{0xab}}})); !strings.Contains(text, `"trace_id":"ab`+strings.Repeat("00", 15)+`"`) {
		t.Errorf("the line of a traced exchange is %s", text)
	}
}
