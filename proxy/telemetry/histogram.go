package telemetry

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// histogram counts durations in classic buckets and in native ones, as the client library's does, at a tenth of its cost: nothing is looked up
// by hash, for durations have a range that is known.
type histogram struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair

	sum     atomic.Int64 // nanoseconds
	classic [len(durationBounds)]atomic.Uint64
	// native are the buckets from each power of two on, made when something falls into them.
	native [octaves]atomic.Pointer[octave]
	// exemplars are of the classic buckets, made when there is a first one.
	exemplars atomic.Pointer[exemplars]
}

const (
	// schema is how fine native buckets are: each is 2^(1/2^schema) times as wide as the one before, 9 %.
	schema = 3
	// inOctave are as many until they are twice as wide.
	inOctave = 1 << schema
	// From firstOctave on, half a nanosecond, there is room up to four thousand seconds.
	firstOctave = -31
	octaves     = 12 - firstOctave
)

type octave [inOctave]atomic.Uint64

// within are the lower bounds of an octave's buckets, as parts of the octave's end.
var within = func() (bounds [inOctave]float64) {
	for i := range bounds {
		bounds[i] = math.Exp2(float64(i)/inOctave - 1)
	}
	return bounds
}()

// observe counts a duration.
func (h *histogram) observe(d time.Duration) {
	seconds := d.Seconds()
	h.sum.Add(int64(d))
	for i, bound := range durationBounds {
		if seconds <= bound {
			h.classic[i].Add(1)
			break
		}
	}
	h.bucket(seconds).Add(1)
}

// bucket finds the native bucket, whose upper bound is in it.
func (h *histogram) bucket(seconds float64) *atomic.Uint64 {
	part, exponent := math.Frexp(seconds)
	i := 0
	for i < inOctave && within[i] < part {
		i++
	}
	key := min(max((exponent-1-firstOctave)*inOctave+i, 0), octaves*inOctave-1)
	place := &h.native[key/inOctave]
	o := place.Load()
	if o == nil {
		place.CompareAndSwap(nil, new(octave))
		o = place.Load()
	}
	return &o[key%inOctave]
}

// Desc is part of prometheus.Metric.
func (h *histogram) Desc() *prometheus.Desc { return h.desc }

// Write is part of prometheus.Metric.
func (h *histogram) Write(out *dto.Metric) error {
	of := &dto.Histogram{
		Schema: new(int32), ZeroThreshold: new(float64), ZeroCount: new(uint64), SampleCount: new(uint64), SampleSum: new(float64),
	}
	*of.Schema, *of.ZeroThreshold = schema, prometheus.DefNativeHistogramZeroThreshold
	*of.SampleCount = h.spans(of)
	*of.SampleSum = time.Duration(h.sum.Load()).Seconds()
	below := uint64(0)
	for i := range durationBounds {
		// What has been counted since the native buckets were read would be more than there are.
		below = min(below+h.classic[i].Load(), *of.SampleCount)
		of.Bucket = append(of.Bucket, &dto.Bucket{CumulativeCount: new(uint64), UpperBound: &durationBounds[i]})
		*of.Bucket[i].CumulativeCount = below
	}
	h.exemplars.Load().write(of)
	out.Label, out.Histogram = h.labels, of
	return nil
}

// spans writes the native buckets: those that are next to each other in one span, each as the difference to the one before.
func (h *histogram) spans(of *dto.Histogram) (all uint64) {
	before, last := int64(0), math.MinInt
	for o := range h.native {
		buckets := h.native[o].Load()
		if buckets == nil {
			continue
		}
		for i := range buckets {
			n := buckets[i].Load()
			if n == 0 {
				continue
			}
			all += n
			key := (firstOctave+o)*inOctave + i
			if key != last+1 {
				offset := int32(key)
				if last != math.MinInt {
					offset = int32(key - last - 1)
				}
				of.PositiveSpan = append(of.PositiveSpan, &dto.BucketSpan{Offset: &offset, Length: new(uint32)})
			}
			*of.PositiveSpan[len(of.PositiveSpan)-1].Length++
			of.PositiveDelta = append(of.PositiveDelta, int64(n)-before)
			before, last = int64(n), key
		}
	}
	return all
}

// histogramVec are the histograms of one metric, by their labels.
type histogramVec struct{ *prometheus.MetricVec }

func histograms(metric int) histogramVec {
	m := catalogue[metric]
	desc := prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
	return histogramVec{prometheus.NewMetricVec(desc, func(values ...string) prometheus.Metric {
		return &histogram{desc: desc, labels: prometheus.MakeLabelPairs(desc, values)}
	})}
}

// of gives the histogram of some labels.
func (v histogramVec) of(labels ...string) *histogram {
	m, err := v.GetMetricWithLabelValues(labels...)
	if err != nil {
		panic(err) // there are as many as the catalogue says
	}
	return m.(*histogram)
}
