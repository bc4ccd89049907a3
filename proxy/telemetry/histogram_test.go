package telemetry

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// native gives the native buckets by their index.
func native(h *dto.Histogram) map[int]int64 {
	out := map[int]int64{}
	index, n, at := 0, int64(0), 0
	for _, span := range h.PositiveSpan {
		index += int(span.GetOffset())
		for range span.GetLength() {
			n += h.PositiveDelta[at]
			if n > 0 {
				out[index] = n
			}
			index++
			at++
		}
	}
	return out
}

// It says what the client library's histogram says of the same durations.
func TestHistogramIsTheLibrarys(t *testing.T) {
	theirs := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "x", Buckets: durationBounds[:], NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 1000,
	})
	ours := histograms(requestDuration).of("route", "class")
	see := func(d time.Duration) {
		theirs.Observe(d.Seconds())
		ours.observe(d)
	}
	for _, d := range []time.Duration{1, 2, time.Microsecond, 5 * time.Millisecond, time.Second, 2 * time.Second, 10 * time.Second, time.Hour} {
		see(d)
	}
	for range 5000 {
		see(time.Duration(math.Exp(rand.Float64() * math.Log(3.6e12))))
	}
	var want, got dto.Metric
	if err := theirs.Write(&want); err != nil {
		t.Fatal(err)
	}
	if err := ours.Write(&got); err != nil {
		t.Fatal(err)
	}
	w, g := want.Histogram, got.Histogram
	if g.GetSampleCount() != w.GetSampleCount() || math.Abs(g.GetSampleSum()-w.GetSampleSum()) > 1e-6*w.GetSampleSum() || g.GetSchema() != w.GetSchema() {
		t.Errorf("count %d, sum %v, schema %d; want %d, %v, %d", g.GetSampleCount(), g.GetSampleSum(), g.GetSchema(), w.GetSampleCount(), w.GetSampleSum(), w.GetSchema())
	}
	for i, b := range w.Bucket {
		if g.Bucket[i].GetCumulativeCount() != b.GetCumulativeCount() || g.Bucket[i].GetUpperBound() != b.GetUpperBound() {
			t.Errorf("bucket %v: %d; want %d", b.GetUpperBound(), g.Bucket[i].GetCumulativeCount(), b.GetCumulativeCount())
		}
	}
	ourNative, theirNative := native(g), native(w)
	for index, n := range theirNative {
		if ourNative[index] != n {
			t.Errorf("native bucket %d: %d; want %d", index, ourNative[index], n)
		}
	}
	if len(ourNative) != len(theirNative) {
		t.Errorf("%d native buckets; want %d", len(ourNative), len(theirNative))
	}
}

// What is out of any range is counted all the same.
func TestHistogramHasRoomForEverything(t *testing.T) {
	h := histograms(requestDuration).of("route", "class")
	for _, d := range []time.Duration{0, math.MaxInt64} {
		h.observe(d)
	}
	var out dto.Metric
	if err := h.Write(&out); err != nil || out.Histogram.GetSampleCount() != 2 {
		t.Errorf("%d of 2 are counted, %v", out.Histogram.GetSampleCount(), err)
	}
}
