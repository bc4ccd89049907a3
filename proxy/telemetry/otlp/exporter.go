package otlp

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"triage/proxy"
)

// Exporter takes traced exchanges and gives them to the collector in force. It is a proxy.Recorder.
type Exporter struct {
	logger *slog.Logger
	// to is the collector in force, nil while there is none.
	to     atomic.Pointer[Collector]
	counts counts

	// changed wakes Run.
	changed chan struct{}
	mu      sync.Mutex
	fresh   []*Collector // those that Run does not know yet
	told    time.Time    // when it was last said that traces are lost
}

// counts are of exchanges, since the start.
type counts struct{ sent, overflowed, failed atomic.Uint64 }

// Snapshot is what became of traced exchanges.
type Snapshot struct {
	// Sent were taken by a collector. Overflowed found the queue full, Failed were not taken.
	Sent, Overflowed, Failed uint64
}

// New makes an Exporter without a collector. logger is told of what was lost; nil is nobody.
func New(logger *slog.Logger) *Exporter {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Exporter{logger: logger, changed: make(chan struct{}, 1)}
}

// Use puts a collector in force, or none; each is to be used once. The former one gets what was queued for it.
func (e *Exporter) Use(c *Collector) {
	if c != nil {
		e.mu.Lock()
		e.fresh = append(e.fresh, c)
		e.mu.Unlock()
	}
	if former := e.to.Swap(c); former != nil {
		close(former.retired)
	}
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// Snapshot gives the counts.
func (e *Exporter) Snapshot() Snapshot {
	return Snapshot{e.counts.sent.Load(), e.counts.overflowed.Load(), e.counts.failed.Load()}
}

// Record queues a traced exchange. It does not block, and keeps nothing of it but a copy.
func (e *Exporter) Record(x *proxy.Exchange) {
	c := e.to.Load()
	if c == nil { // it began before tracing was turned off
		return
	}
	// A look before the work: in a flood nothing is copied that has no place.
	if len(c.queue) == cap(c.queue) {
		e.counts.overflowed.Add(1)
		return
	}
	select {
	case c.queue <- copied(x):
	default:
		e.counts.overflowed.Add(1)
		return
	}
	if len(c.queue) > cap(c.queue)/2 {
		select {
		case c.half <- struct{}{}:
		default:
		}
	}
}

// Run sends until the context ends, and then what is queued.
func (e *Exporter) Run(ctx context.Context) error {
	var senders sync.WaitGroup
	defer senders.Wait()
	for {
		e.mu.Lock()
		for _, c := range e.fresh {
			senders.Go(func() { c.run(ctx, e) })
		}
		e.fresh = nil
		e.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-e.changed:
		}
	}
}

// complainEvery is the least time between two complaints.
const complainEvery = time.Minute

// sent counts what became of a batch, and says so if it is lost.
func (e *Exporter) sent(c *Collector, exchanges int, err error) {
	if err == nil {
		e.counts.sent.Add(uint64(exchanges))
		return
	}
	e.counts.failed.Add(uint64(exchanges))
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := time.Now(); now.Sub(e.told) >= complainEvery {
		e.told = now
		e.logger.Error("traces lost", "collector", c.name(), "error", err)
	}
}
