package telemetry

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"triage/proxy/trace"
)

// exemplars are the last traced exchange of each classic bucket, and of what is beyond the last one.
type exemplars [len(durationBounds) + 1]atomic.Pointer[exemplar]

type exemplar struct {
	took  time.Duration
	at    time.Time
	trace trace.ID
}

// traced remembers a traced exchange as the example of its bucket.
func (h *histogram) traced(took time.Duration, at time.Time, id trace.ID) {
	all := h.exemplars.Load()
	if all == nil {
		h.exemplars.CompareAndSwap(nil, new(exemplars))
		all = h.exemplars.Load()
	}
	bucket, _ := slices.BinarySearch(durationBounds[:], took.Seconds())
	all[bucket].Store(&exemplar{took, at, id})
}

// write adds the examples to their buckets and to the native histogram, which has a list of them.
func (all *exemplars) write(of *dto.Histogram) {
	if all == nil {
		return
	}
	for i := range all {
		e := all[i].Load()
		if e == nil {
			continue
		}
		name, id, seconds := "trace_id", e.trace.String(), e.took.Seconds()
		told := &dto.Exemplar{Label: []*dto.LabelPair{{Name: &name, Value: &id}}, Value: &seconds, Timestamp: timestamppb.New(e.at)}
		if i == len(durationBounds) { // the bucket that is there without being told, unless there is something to tell of it
			bound := math.Inf(1)
			of.Bucket = append(of.Bucket, &dto.Bucket{CumulativeCount: of.SampleCount, UpperBound: &bound})
		}
		of.Bucket[i].Exemplar = told
		of.Exemplars = append(of.Exemplars, told)
	}
}
