package shortage

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// Where a shortage begins, and where there is nothing left. Envoy's overload manager acts on the heap from about 0.8 on, HAProxy keeps a
// few per cent of descriptors for itself; a goroutine waits microseconds for a processor while there are any.
const (
	memoryFrom, memoryFull           = 0.70, 0.90
	descriptorsFrom, descriptorsFull = 0.85, 0.97
	schedulerFrom, schedulerFull     = 0.020, 0.200 // seconds
)

const (
	// Every is the time between two measurements.
	Every = 250 * time.Millisecond
	// memory of the scheduler's signal: a quarter of what is new, so about a second.
	newShare = 0.25
	// shortest is how much is left of a timeout when something is about to run out.
	shortest = 0.1
)

// Snapshot is how short each of the three is, from 0 to 1.
type Snapshot struct {
	Memory, Descriptors, Scheduler float64
}

// Worst is the one that counts.
func (s Snapshot) Worst() float64 { return max(s.Memory, s.Descriptors, s.Scheduler) }

// Watch measures. nil is never short of anything.
type Watch struct {
	now   atomic.Pointer[Snapshot]
	worst atomic.Uint64 // of now, as bits of a float
}

// Run measures until the context ends.
func (w *Watch) Run(ctx context.Context) {
	m := newMeter()
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.Set(m.measure())
		}
	}
}

// Set says how it is.
func (w *Watch) Set(s Snapshot) {
	w.now.Store(&s)
	w.worst.Store(math.Float64bits(s.Worst()))
}

// Snapshot is how it was when it was last measured.
func (w *Watch) Snapshot() Snapshot {
	if w == nil {
		return Snapshot{}
	}
	if s := w.now.Load(); s != nil {
		return *s
	}
	return Snapshot{}
}

// Worst is how short what is shortest is: 0 is not at all, 1 is that it is about to run out.
func (w *Watch) Worst() float64 {
	if w == nil {
		return 0
	}
	return math.Float64frombits(w.worst.Load())
}

// Scale is what a timeout is now. It does not fall below the floor, unless it is shorter than that by itself.
func (w *Watch) Scale(limit, floor time.Duration) time.Duration {
	short := w.Worst()
	if short == 0 {
		return limit
	}
	return max(time.Duration(float64(limit)*(1-(1-shortest)*short)), min(limit, floor))
}

// on puts a value on the scale.
func on(value, from, full float64) float64 {
	return min(max((value-from)/(full-from), 0), 1)
}

// meter reads what the process knows of itself.
type meter struct {
	samples []metrics.Sample
	// before are the counts of the scheduler's histogram when it was last read.
	before []uint64
	wait   float64 // smoothed, in seconds
}

const latencies = "/sched/latencies:seconds"

// held is what memory cannot be without.
var held = []string{"/gc/heap/live:bytes", "/memory/classes/heap/stacks:bytes", "/memory/classes/metadata/mspan/inuse:bytes", "/memory/classes/os-stacks:bytes", "/memory/classes/other:bytes"}

func newMeter() *meter {
	m := &meter{samples: make([]metrics.Sample, len(held)+1)}
	for i, name := range append(held[:len(held):len(held)], latencies) {
		m.samples[i].Name = name
	}
	return m
}

func (m *meter) measure() Snapshot {
	metrics.Read(m.samples)
	var bytes uint64
	for _, s := range m.samples[:len(held)] {
		if s.Value.Kind() == metrics.KindUint64 {
			bytes += s.Value.Uint64()
		}
	}
	s := Snapshot{Descriptors: on(descriptors(), descriptorsFrom, descriptorsFull), Scheduler: on(m.scheduler(), schedulerFrom, schedulerFull)}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		s.Memory = on(float64(bytes)/float64(limit), memoryFrom, memoryFull)
	}
	return s
}

// scheduler is how long goroutines wait for a processor, smoothed.
func (m *meter) scheduler() float64 {
	v := m.samples[len(held)].Value
	if v.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := v.Float64Histogram()
	m.wait += newShare * (median(h, m.before) - m.wait)
	m.before = append(m.before[:0], h.Counts...)
	return m.wait
}

// median is that of what has come since the counts before.
func median(h *metrics.Float64Histogram, before []uint64) float64 {
	var total uint64
	since := func(i int) uint64 {
		if i < len(before) {
			return h.Counts[i] - before[i]
		}
		return h.Counts[i]
	}
	for i := range h.Counts {
		total += since(i)
	}
	seen := uint64(0)
	for i := range h.Counts {
		if seen += since(i); 2*seen > total {
			return max(h.Buckets[i], 0) // its lower bound; the first one is minus infinity
		}
	}
	return 0
}
