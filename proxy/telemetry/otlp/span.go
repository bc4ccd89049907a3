package otlp

import (
	"maps"
	"slices"
	"strconv"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"triage/proxy"
	"triage/proxy/reason"
	"triage/proxy/trace"
)

// maker makes spans of exchanges.
type maker struct {
	resource *resource.Resource
	scope    *common.InstrumentationScope
}

func newMaker(s Settings) maker {
	m := maker{&resource.Resource{}, &common.InstrumentationScope{Name: "triage", Version: s.Version}}
	for _, key := range slices.Sorted(maps.Keys(s.Resource)) {
		m.resource.Attributes = append(m.resource.Attributes, text(key, s.Resource[key]))
	}
	return m
}

// traces is what is posted: on the wire TracesData and ExportTraceServiceRequest are the same, and the package of the latter brings gRPC.
func (m maker) traces(all []*proxy.Exchange) *otlp.TracesData {
	var spans []*otlp.Span
	for _, x := range all {
		spans = append(spans, spansOf(x)...)
	}
	return &otlp.TracesData{ResourceSpans: []*otlp.ResourceSpans{{Resource: m.resource, ScopeSpans: []*otlp.ScopeSpans{{Scope: m.scope, Spans: spans}}}}}
}

// tree is the spans of one exchange, in the order in which they began.
type tree struct {
	x     *proxy.Exchange
	t     *proxy.Trace
	end   time.Time
	spans []*otlp.Span
}

// spansOf makes the spans of one exchange; the first one is the whole.
func spansOf(x *proxy.Exchange) []*otlp.Span {
	b := &tree{x: x, t: x.Trace, end: x.Start.Add(x.Total)}
	whole := b.add(serverName(x), b.t.Span, b.t.Parent, x.Start, b.end)
	whole.Kind, whole.Attributes = otlp.Span_SPAN_KIND_SERVER, serverAttributes(x)
	if x.Reason.Status() >= 500 || x.Reason == reason.None && x.Status >= 500 {
		whole.Status = failed(word(x))
	}
	b.gates()
	return b.spans
}

func (b *tree) add(name string, id, parent trace.Span, from, to time.Time) *otlp.Span {
	s := &otlp.Span{
		TraceId: b.t.ID[:], SpanId: id[:], Name: name, Kind: otlp.Span_SPAN_KIND_INTERNAL, TraceState: b.t.State,
		// Nothing of an exchange is outside of it, whatever is made of differences.
		StartTimeUnixNano: uint64(min(from.UnixNano(), b.end.UnixNano())), EndTimeUnixNano: uint64(min(to.UnixNano(), b.end.UnixNano())),
	}
	if parent != (trace.Span{}) {
		s.ParentSpanId = parent[:]
	}
	if parent == b.t.Parent {
		s.Flags = flags(parent)
	}
	b.spans = append(b.spans, s)
	return s
}

// gates adds a span for each gate that the exchange came to.
func (b *tree) gates() {
	x, last := b.x, b.t.Last
	queued := x.Queued
	if last == proxy.ForwardGate {
		// Of a request that came to the gates a second time only the first time is a span; the second one is in the first byte.
		queued = b.t.Sent.Sub(x.Start) - x.Edge
	}
	admitted := x.Start.Add(queued)
	if last == proxy.BucketGate || last > proxy.BucketGate && b.t.Limited {
		b.gate("bucket", proxy.BucketGate, x.Start, x.Start)
	}
	if last >= proxy.AdmissionGate && !x.HealthCheck {
		b.gate("admission", proxy.AdmissionGate, x.Start, admitted)
	}
	if last >= proxy.BreakerGate && !x.HealthCheck || last == proxy.BreakerGate {
		b.gate("breaker", proxy.BreakerGate, admitted, admitted)
	}
	if last == proxy.ForwardGate {
		b.forward()
	}
}

// gate adds the span of one gate, with its no if it said no.
func (b *tree) gate(name string, g proxy.Gate, from, to time.Time) {
	s := b.add(name, trace.NewSpan(), b.t.Span, from, to)
	if b.t.Last == g {
		b.refused(s)
	}
}

// refused marks where the exchange ended.
func (b *tree) refused(s *otlp.Span) {
	if why := b.x.Reason; why != reason.None {
		s.Status = failed(why.String())
		s.Attributes = append(s.Attributes, text("triage.reason", why.String()))
	}
}

// forward adds the call to the endpoint and its stages.
func (b *tree) forward() {
	x := b.x
	sent := x.Start.Add(b.t.Sent.Sub(x.Start)) // two clocks may be read a few nanoseconds apart
	call := b.add("forward", b.t.Call, b.t.Span, sent, b.end)
	call.Kind, call.Attributes = otlp.Span_SPAN_KIND_CLIENT, clientAttributes(x)
	if x.Reason != reason.None || x.UpstreamStatus >= 400 {
		call.Status = failed(word(x))
	}
	connected, header := sent.Add(x.Connect), sent.Add(x.FirstByte)
	var at *otlp.Span // where the exchange was when it ended
	if x.Connect > 0 {
		at = b.add("connect", trace.NewSpan(), b.t.Call, sent, connected)
	}
	switch {
	case x.FirstByte > 0:
		b.add("first byte", trace.NewSpan(), b.t.Call, connected, header)
		at = b.add("body", trace.NewSpan(), b.t.Call, header, b.end)
	case at == nil || !connecting(x.Reason):
		at = b.add("first byte", trace.NewSpan(), b.t.Call, connected, b.end)
	}
	b.refused(at)
}

// connecting reports whether a reason is that there was no connection.
func connecting(r reason.Reason) bool {
	switch r {
	case reason.DNS, reason.ConnectRefused, reason.ConnectTimeout, reason.ConnectFailed, reason.TLS:
		return true
	}
	return false
}

// flags say that we know whether the parent is in another process: it is if there is one (OTLP, SpanFlags).
func flags(parent trace.Span) uint32 {
	f := uint32(trace.Sampled) | uint32(otlp.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	if parent != (trace.Span{}) {
		f |= uint32(otlp.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
	}
	return f
}

func failed(why string) *otlp.Status {
	return &otlp.Status{Code: otlp.Status_STATUS_CODE_ERROR, Message: why}
}

// word is why an exchange failed: the reason, or the status.
func word(x *proxy.Exchange) string {
	if x.Reason != reason.None {
		return x.Reason.String()
	}
	return strconv.Itoa(x.Status)
}
