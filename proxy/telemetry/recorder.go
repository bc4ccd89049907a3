package telemetry

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"triage/proxy"
	"triage/proxy/reason"
)

// none labels requests that no route covers.
const none = "none"

// codes are the classes of status codes (RFC 9110, section 15).
var codes = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}

// codeOf gives the class of a status. An invalid one counts as 5xx, which is how clients treat it (RFC 9110, section 15).
func codeOf(status int) int {
	if status < 100 || status > 599 {
		return len(codes) - 1
	}
	return status/100 - 1
}

// labels are what a route's metrics are told apart by.
type labels struct{ route, priority, upstream string }

// vectors are the metrics that recorders count in.
type vectors struct {
	requests, decisions, would, bytesIn, bytesOut *prometheus.CounterVec
	duration, firstByte, queueWait, stages        histogramVec
	info                                          *prometheus.GaugeVec
}

func newVectors() vectors {
	return vectors{
		requests: counters(requests), decisions: counters(decisions), would: counters(wouldRefuse),
		bytesIn: counters(bytesIn), bytesOut: counters(bytesOut),
		duration: histograms(requestDuration), firstByte: histograms(firstByte), queueWait: histograms(queueWait), stages: histograms(stageDuration),
		info: gauges(routeInfo),
	}
}

func (v vectors) collectors() []prometheus.Collector {
	return []prometheus.Collector{v.requests, v.decisions, v.would, v.bytesIn, v.bytesOut, v.duration, v.firstByte, v.queueWait, v.stages, v.info}
}

// recorder counts the exchanges of one route in children that were resolved once.
type recorder struct {
	requests          [][len(codes)]prometheus.Counter // by result
	decisions, would  []prometheus.Counter             // by reason
	bytesIn, bytesOut prometheus.Counter
	duration          *histogram
	firstByte         *histogram
	queueWait         *histogram
	// The stages that have no metric of their own.
	edge, connect, body *histogram
	log                 *accessLog
}

func (v vectors) recorder(l labels, log *accessLog) *recorder {
	r := &recorder{
		requests:  make([][len(codes)]prometheus.Counter, len(proxy.Results())),
		decisions: make([]prometheus.Counter, len(reason.All())+1),
		would:     make([]prometheus.Counter, len(reason.All())+1),
		bytesIn:   v.bytesIn.WithLabelValues(l.route),
		bytesOut:  v.bytesOut.WithLabelValues(l.route),
		duration:  v.duration.of(l.route, l.priority),
		firstByte: v.firstByte.of(l.route),
		queueWait: v.queueWait.of(l.route),
		edge:      v.stages.of(l.route, "edge"),
		connect:   v.stages.of(l.route, "connect"),
		body:      v.stages.of(l.route, "body"),
		log:       log,
	}
	for _, result := range proxy.Results() {
		for code, class := range codes {
			r.requests[result][code] = v.requests.WithLabelValues(l.route, l.priority, class, result.String())
		}
	}
	for _, why := range reason.All() {
		r.decisions[why] = v.decisions.WithLabelValues(l.route, l.priority, why.String())
		if why.Shed() {
			r.would[why] = v.would.WithLabelValues(l.route, l.priority, why.String())
		}
	}
	v.info.WithLabelValues(l.route, l.priority, l.upstream).Set(1)
	return r
}

// Record counts and logs one exchange; it neither blocks nor keeps it.
func (r *recorder) Record(x *proxy.Exchange) {
	r.requests[x.Result][codeOf(x.Status)].Inc()
	if x.Reason != reason.None {
		r.decisions[x.Reason].Inc()
	}
	if x.Would.Shed() {
		r.would[x.Would].Inc()
	}
	if answered(x) {
		r.duration.observe(x.Total)
		if x.Trace != nil {
			r.duration.traced(x.Total, x.Start.Add(x.Total), x.Trace.ID)
		}
	}
	observe(r.firstByte, x.FirstByte)
	observe(r.queueWait, x.Queued)
	observe(r.edge, x.Edge)
	observe(r.connect, x.Connect)
	observe(r.body, x.Body)
	add(r.bytesIn, x.BytesIn)
	add(r.bytesOut, x.BytesOut)
	r.log.offer(x)
}

// answered reports whether the exchange's duration says something about service: a refusal takes microseconds, an
// upgraded connection lives as long as its user, and a client that left has cut the time short.
func answered(x *proxy.Exchange) bool {
	return x.Result != proxy.Refused && x.Result != proxy.Void && !x.Upgraded
}

func observe(h *histogram, d time.Duration) {
	if d > 0 {
		h.observe(d)
	}
}

func add(c prometheus.Counter, bytes int64) {
	if bytes > 0 {
		c.Add(float64(bytes))
	}
}

// Route gives the recorder of a route, the same one whenever it is asked with the same labels. The name "" stands for
// requests that no route covers.
func (t *Telemetry) Route(name, priority, upstream string) proxy.Recorder {
	l := labelsOf(name, priority, upstream)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latest[l.route] = l
	if r, ok := t.routes[l]; ok {
		return r
	}
	r := t.vectors.recorder(l, t.log)
	t.routes[l] = r
	return r
}

func labelsOf(name, priority, upstream string) labels {
	if name == "" {
		return labels{none, none, none}
	}
	// The client library panics on a label that is not UTF-8.
	valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	return labels{valid(name), valid(priority), valid(upstream)}
}

// Retain takes from the exposition every route that is not named, and of those that are what their older labels counted.
// Requests without a route are always kept. A recorder that is gone may still be told of exchanges; they count nowhere.
func (t *Telemetry) Retain(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.routes {
		switch {
		case l.route == none:
		case !slices.Contains(names, l.route):
			delete(t.routes, l)
			delete(t.latest, l.route)
			t.vectors.forget(prometheus.Labels{"route": l.route})
		case t.latest[l.route] != l:
			delete(t.routes, l)
			t.vectors.forgetOlder(l, t.latest[l.route])
		}
	}
}

func (v vectors) forget(match prometheus.Labels) {
	v.info.DeletePartialMatch(match)
	v.requests.DeletePartialMatch(match)
	v.decisions.DeletePartialMatch(match)
	v.would.DeletePartialMatch(match)
	v.duration.DeletePartialMatch(match)
	v.bytesIn.DeletePartialMatch(match)
	v.bytesOut.DeletePartialMatch(match)
	v.firstByte.DeletePartialMatch(match)
	v.queueWait.DeletePartialMatch(match)
	v.stages.DeletePartialMatch(match)
}

// forgetOlder takes away what belongs to the old labels alone: a route that moved to another upstream goes on counting
// where it was.
func (v vectors) forgetOlder(old, latest labels) {
	v.info.DeleteLabelValues(old.route, old.priority, old.upstream)
	if old.priority == latest.priority {
		return
	}
	match := prometheus.Labels{"route": old.route, "priority": old.priority}
	v.requests.DeletePartialMatch(match)
	v.decisions.DeletePartialMatch(match)
	v.would.DeletePartialMatch(match)
	v.duration.DeletePartialMatch(match)
}
