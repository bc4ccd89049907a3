package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"triage/proxy"
	"triage/proxy/shortage"
)

// Settings say what to expose and where to write.
type Settings struct {
	// Snapshot is asked at every scrape; nil exposes only what recorders counted.
	Snapshot func() proxy.Snapshot
	// Server is asked at every scrape; nil exposes nothing of the listeners.
	Server func() ServerSnapshot
	// Incidents is asked at every scrape; nil exposes nothing of incidents.
	Incidents func() IncidentSnapshot
	// Traces is asked at every scrape; nil exposes nothing of traces.
	Traces func() TraceSnapshot
	// Version and Commit label triage_build_info.
	Version, Commit string
	// GoVersion labels triage_build_info; "" is the running toolchain's.
	GoVersion string
	Log       LogSettings
	// Logger is told of trouble with the log and the metrics themselves; nil discards that.
	Logger *slog.Logger
}

// TraceSnapshot counts traced exchanges: Sent were taken by the collector, Overflowed found the queue to it full, Failed it did not take.
type TraceSnapshot struct{ Sent, Overflowed, Failed uint64 }

// ServerSnapshot is the state of the listeners.
type ServerSnapshot struct {
	Listeners []ListenerSnapshot
	// Shortage is what the process is short of.
	Shortage shortage.Snapshot
}

// ListenerSnapshot is the state of one listener.
type ListenerSnapshot struct {
	Address     string
	Connections int
	// Accepted counts connections, AcceptErrors failed accepts, Refused requests that were answered before any route was looked for:
	// malformed ones, and methods that are never forwarded.
	Accepted, AcceptErrors, Refused uint64
	// Closed counts connections that were closed or refused to protect the process, by cause.
	Closed map[string]uint64
}

// Telemetry counts, exposes and logs.
type Telemetry struct {
	registry *prometheus.Registry
	vectors  vectors
	log      *accessLog
	logger   *slog.Logger

	mu sync.Mutex
	// routes has every recorder that is exposed, latest the newest one of each name.
	routes map[labels]*recorder
	latest map[string]labels
	reload reload
}

type reload struct {
	known, ok bool
	hash      string
	at        time.Time
}

// New gives a Telemetry that starts nothing: lines are written while Run runs.
func New(s Settings) (*Telemetry, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	log, err := newAccessLog(s.Log, s.Logger)
	if err != nil {
		return nil, fmt.Errorf("setting up the access log: %w", err)
	}
	if s.GoVersion == "" {
		s.GoVersion = runtime.Version()
	}
	t := &Telemetry{
		registry: prometheus.NewRegistry(),
		vectors:  newVectors(),
		log:      log,
		logger:   s.Logger,
		routes:   map[labels]*recorder{},
		latest:   map[string]labels{},
	}
	if err := t.register(s); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return t, nil
}

func (t *Telemetry) register(s Settings) error {
	all := append(t.vectors.collectors(),
		newPulled(t, s),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, c := range all {
		if err := t.registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Handler serves the metrics: Prometheus text, OpenMetrics or protobuf (which alone carries native histograms), as the
// scraper asks.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		// One metric that cannot be gathered must not blind the operator to the others.
		ErrorHandling:  promhttp.ContinueOnError,
		ErrorLog:       slog.NewLogLogger(t.logger.Handler(), slog.LevelError),
		Registry:       t.registry,
		CoalesceGather: true,
	})
}

// Run writes the access log until the context ends, then writes what is buffered.
func (t *Telemetry) Run(ctx context.Context) error {
	if t.log == nil {
		<-ctx.Done()
		return nil
	}
	return t.log.run(ctx)
}

// Reloaded tells of an attempt to load the configuration. A failed one leaves the hash and the time of the configuration
// in force as they were.
func (t *Telemetry) Reloaded(ok bool, hash string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reload.known, t.reload.ok = true, ok
	if ok {
		t.reload.hash, t.reload.at = hash, at
	}
}

func (t *Telemetry) lastReload() reload {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reload
}
