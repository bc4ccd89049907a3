package telemetry

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"triage/proxy"
)

// breakerStates are the words that a snapshot has for the state of a breaker.
var breakerStates = [...]string{"closed", "half-open", "open"}

// pulled exposes what others know, asked at the scrape.
type pulled struct {
	telemetry *Telemetry
	settings  Settings
	descs     [metrics]*prometheus.Desc
}

func newPulled(t *Telemetry, s Settings) *pulled {
	p := &pulled{telemetry: t, settings: s}
	for i := firstPulled; i < metrics; i++ {
		m := catalogue[i]
		p.descs[i] = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
	}
	return p
}

// Describe lists the pulled metrics.
func (p *pulled) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range p.descs[firstPulled:] {
		ch <- d
	}
}

// Collect asks for the snapshots and exposes them.
func (p *pulled) Collect(ch chan<- prometheus.Metric) {
	e := &exposition{pulled: p, out: ch, seen: map[string]bool{}}
	e.put(buildInfo, 1, p.settings.Version, p.settings.Commit, p.settings.GoVersion)
	e.log(p.telemetry.log)
	e.config(p.telemetry.lastReload())
	if p.settings.Server != nil {
		server := p.settings.Server()
		e.put(shortageRatio, server.Shortage.Memory, "memory")
		e.put(shortageRatio, server.Shortage.Descriptors, "descriptors")
		e.put(shortageRatio, server.Shortage.Scheduler, "scheduler")
		for _, l := range server.Listeners {
			e.put(connections, float64(l.Connections), l.Address)
			e.put(accepted, float64(l.Accepted), l.Address)
			e.put(acceptErrors, float64(l.AcceptErrors), l.Address)
			e.put(edgeRefused, float64(l.Refused), l.Address)
			for cause, n := range l.Closed {
				e.put(edgeClosed, float64(n), l.Address, cause)
			}
		}
	}
	if p.settings.Traces != nil {
		traces := p.settings.Traces()
		e.put(tracesSent, float64(traces.Sent))
		e.put(tracesDropped, float64(traces.Overflowed), "queue_full")
		e.put(tracesDropped, float64(traces.Failed), "collector")
	}
	if p.settings.Incidents != nil {
		e.incidents(p.settings.Incidents())
	}
	if p.settings.Snapshot != nil {
		e.snapshot(p.settings.Snapshot())
	}
}

// exposition is one scrape.
type exposition struct {
	*pulled
	out  chan<- prometheus.Metric
	seen map[string]bool
}

// put exposes one value. Of two with the same labels only the first is told: a duplicate would spoil the whole scrape.
func (e *exposition) put(metric int, value float64, labels ...string) {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "\uFFFD")
	}
	key := strconv.Itoa(metric) + "\xff" + strings.Join(labels, "\xff")
	if e.seen[key] {
		return
	}
	e.seen[key] = true
	kind := prometheus.GaugeValue
	if catalogue[metric].Type == "counter" {
		kind = prometheus.CounterValue
	}
	e.out <- prometheus.MustNewConstMetric(e.descs[metric], kind, value, labels...)
}

// known exposes a value that is 0 while nobody knows it: absent is honest, 0 would be taken for a measurement.
func (e *exposition) known(metric int, value float64, labels ...string) {
	if value > 0 {
		e.put(metric, value, labels...)
	}
}

func (e *exposition) truth(metric int, value bool, labels ...string) {
	if value {
		e.put(metric, 1, labels...)
		return
	}
	e.put(metric, 0, labels...)
}

func (e *exposition) breaker(metric int, state string, labels ...string) {
	for _, s := range breakerStates {
		e.truth(metric, s == state, append(labels[:len(labels):len(labels)], s)...)
	}
}

func (e *exposition) log(l *accessLog) {
	if l == nil {
		return
	}
	e.put(logDropped, float64(l.dropped.Load()), "buffer_full")
	e.put(logDropped, float64(l.failed.Load()), "write_failed")
	e.put(logSampledOut, float64(l.sampledOut.Load()))
}

func (e *exposition) config(r reload) {
	if !r.known {
		return
	}
	e.truth(reloadOK, r.ok)
	if r.at.IsZero() {
		return
	}
	e.put(reloadTime, float64(r.at.UnixNano())/float64(time.Second))
	e.put(configInfo, 1, r.hash)
}

func (e *exposition) snapshot(s proxy.Snapshot) {
	e.truth(draining, s.Draining)
	for i := range s.Routes {
		e.route(&s.Routes[i])
	}
	for i := range s.Upstreams {
		e.upstream(&s.Upstreams[i])
	}
}

func (e *exposition) route(r *proxy.RouteSnapshot) {
	e.put(inFlight, float64(r.Shed.InFlight), r.Name)
	e.put(queued, float64(r.Shed.Queued), r.Name)
	e.known(ceiling, r.Shed.Ceiling, r.Name)
	e.known(baseline, r.Shed.Baseline, r.Name)
	e.known(latency, r.Shed.Latency, r.Name)
	e.put(errorRatio, r.Shed.Errors, r.Name)
	e.breaker(routeBreaker, r.Breaker, r.Name)
	times := map[string]int{}
	for _, b := range r.Buckets {
		times[b.Per]++
		e.bucket(b, r.Name, limitLabel(b.Per, times[b.Per]))
	}
}

// limitLabel tells apart the limits of a route that are counted by the same thing: client_ip, client_ip#2, …
func limitLabel(per string, nth int) string {
	if nth == 1 {
		return per
	}
	return per + "#" + strconv.Itoa(nth)
}

func (e *exposition) bucket(b proxy.BucketSnapshot, route, limit string) {
	e.put(bucketKeys, float64(b.Keys), route, limit)
	e.put(bucketOverflow, float64(b.Overflow), route, limit)
	if b.Tokens >= 0 {
		e.put(bucketTokens, b.Tokens, route, limit)
	}
}

func (e *exposition) upstream(u *proxy.UpstreamSnapshot) {
	e.truth(upstreamPanic, u.Panic, u.Name)
	e.truth(lawBroken, u.Broken != "", u.Name)
	for _, p := range u.Endpoints {
		e.put(endpointInFlight, float64(p.InFlight), u.Name, p.URL)
		e.breaker(endpointBreaker, p.Breaker, u.Name, p.URL)
	}
	for _, d := range u.Demand {
		e.put(demandSlots, d.Demand, u.Name, d.Priority)
		e.put(servedSlots, d.Served, u.Name, d.Priority)
	}
	for _, g := range u.Groups {
		e.put(groupLimit, g.Limit, u.Name, g.Name)
		e.put(groupPressure, g.Pressure, u.Name, g.Name)
		e.put(groupSlowness, g.Slowness, u.Name, g.Name)
	}
}
