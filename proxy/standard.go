package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"triage/proxy/edge"
	"triage/proxy/forward"
)

// standardLane is net/http's way in and out.
type standardLane struct {
	w http.ResponseWriter
	r *http.Request
}

// ServeHTTP takes one request along its way and tells everybody who learns from it how it ended.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l := &standardLane{w, r}
	x := p.begin(r)
	defer func() {
		if p.finish(x, l, recover()) {
			panic(http.ErrAbortHandler)
		}
	}()
	p.serve(x, l)
}

// begin opens the record: who asks?
func (p *Proxy) begin(r *http.Request) *passage {
	x := &passage{table: p.table.Load(), client: edge.ClientOf(r)}
	x.Start = time.Now()
	x.Client, x.Method, x.Host, x.Proto = x.client.Addr, r.Method, r.Host, r.Proto
	x.ID = requestID(r.Header, x.client.Trusted, new([32]byte))
	x.timed = x.table.timedFor(x.Client, edge.Fields(r.Header))
	// Before anybody decides by a header: a rule, a quota or a session must not go by what the client has no right to say.
	clean := edge.Sanitize(r.Header, x.client, x.table.decisive)
	x.asking = asking{ctx: r.Context(), fields: r.Header, malformed: !clean || !x.table.normalize(r.URL), bodyless: r.ContentLength == 0, grpc: isGRPC(r), header: headerBytes(r.Header)}
	x.Path, x.asking.path = r.URL.EscapedPath(), r.URL.Path
	if t := x.table.tracer; t != nil {
		t.begin(x)
	}
	return x
}

// headerBytes is about how much memory the fields of a header take.
func headerBytes(h http.Header) (n int) {
	const each = 64 // a slot of the map, and of a slice
	for name, values := range h {
		n += each + len(name)
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

func isGRPC(r *http.Request) bool {
	return r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// grpcTimeout writes a time as gRPC does: at most eight digits and a unit.
func grpcTimeout(left time.Duration) string {
	if ms := max(left, time.Millisecond).Milliseconds(); ms < 1e8 {
		return strconv.FormatInt(ms, 10) + "m"
	}
	return strconv.FormatInt(min(int64(left/time.Second), 1e8-1), 10) + "S"
}

func (l *standardLane) answer() http.ResponseWriter { return l.w }

func (l *standardLane) carry(p *Proxy, x *passage) forward.Outcome {
	to := forward.Target{
		URL: x.endpoint.URL(), HTTP2: x.endpoint.Settings().HTTP2, Timeout: x.timeout(), BodyLimit: x.bodyLimit(), ResponseLimit: x.responseLimit(),
		OnHeader: x.OnHeader, Connected: x.Connected,
		Header: func(h http.Header) {
			x.respond(h)
			if x.timed {
				h.Add(serverTiming, x.timing(time.Now()))
			}
			p.closing(h)
		},
	}
	if !x.HealthCheck {
		to.SlowBody, to.WholeBody = x.SlowBody, x.WholeBody
	}
	return x.up.forwarder.Forward(l.w, l.prepare(x), to)
}

// prepare makes the request that goes out, with the fields a proxy adds.
func (l *standardLane) prepare(x *passage) *http.Request {
	out := *l.r
	out.Header = l.r.Header.Clone()
	edge.Forwarded(out.Header, x.client, x.table.name, l.r.Proto)
	out.Header.Set("X-Request-Id", x.ID)
	if x.table.tracer != nil {
		l.propagate(x, out.Header)
	}
	if x.asking.grpc && !x.until.IsZero() {
		// The time spent waiting here is not the backend's to spend again.
		out.Header.Set("Grpc-Timeout", grpcTimeout(time.Until(x.until)))
	}
	if x.hints() {
		out.Header.Set("X-Triage-Degrade", "optional")
	}
	return &out
}
