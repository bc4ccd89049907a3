package proxy

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"triage/proxy/reason"
	"triage/proxy/trace"
	"triage/shed/bucket"
)

// TraceSettings say of which requests a trace is made. Whatever clients send, they do not make more than Asked and Share.
type TraceSettings struct {
	// Share of the requests, 0 to 1, is drawn by our own dice: a share of ids would be a client's to choose.
	Share float64
	// Asked is how many requests a second are traced because their client says that its own span is recorded; beyond it the dice decide.
	Asked float64
	// To is told of every exchange that was traced when it has ended, as a route's Recorder is.
	To Recorder
}

// Trace is what the record of a traced exchange says beside the rest. It is made anew for each, so it may be kept; its State may not.
type Trace struct {
	ID trace.ID
	// Parent is the client's span, zero if the trace begins here; Span is this exchange's, and Call that of the call to the endpoint, which is told to be
	// the parent of the endpoint's own.
	Parent, Span, Call trace.Span
	// State is the client's tracestate.
	State string
	// Scheme is what the client speaks, Pattern the path of the route's rule.
	Scheme, Pattern string
	// Last is the gate at which the exchange ended; it has passed those before it.
	Last Gate
	// Limited is set if the route has rate limits.
	Limited bool
	// Sent is when the call to the endpoint began, zero if there was none.
	Sent time.Time
}

// Gate is a station of the way that may end it.
type Gate uint8

// The gates in their order.
const (
	NoGate Gate = iota
	BucketGate
	AdmissionGate
	BreakerGate
	ForwardGate
)

// tracer decides which requests are traced.
type tracer struct {
	share float64
	asked *bucket.Bucket // nil: nobody who asks is heard
	to    Recorder
}

func newTracer(s *TraceSettings) (*tracer, error) {
	if s == nil {
		return nil, nil
	}
	if !(s.Share >= 0 && s.Share <= 1) || s.To == nil {
		return nil, fmt.Errorf("tracing a share of %v, want 0 to 1, and somebody who is told", s.Share)
	}
	t := &tracer{share: s.Share, to: s.To}
	if s.Asked > 0 {
		var err error
		if t.asked, err = bucket.New(bucket.Settings{Rate: s.Asked}); err != nil {
			return nil, fmt.Errorf("traces that clients ask for: %w", err)
		}
	}
	return t, nil
}

// picks decides about one request.
func (t *tracer) picks(now time.Time, asked bool) bool {
	if asked && t.asked != nil {
		if ok, _ := t.asked.Take(now, ""); ok {
			return true
		}
	}
	return t.share > 0 && rand.Float64() < t.share
}

// propagation is what becomes of the client's context on its way to the endpoint. The zero value passes it on as it came.
type propagation struct {
	// own takes the place of traceparent, if it is one.
	own trace.Context
	// begins is set if the client says nothing that can be read: its traceparent and tracestate are dropped.
	begins bool
}

// begin finds the request's trace, and whether it is recorded. A trace that is recorded nowhere else passes as it is.
func (t *tracer) begin(x *passage) {
	parent, ok := trace.Parse(x.asking.fields.Values(trace.Parent))
	x.begins = !ok
	asked := ok && parent.Flags&trace.Sampled != 0
	if ok && !asked {
		return
	}
	if !t.picks(x.Start, asked) {
		if asked { // who is told less than was asked for is told by another span (section 3.4)
			x.own = trace.Context{Trace: parent.Trace, Span: trace.NewSpan(), Flags: parent.Flags &^ trace.Sampled}
		}
		return
	}
	x.Trace = &Trace{ID: parent.Trace, Parent: parent.Span, Span: trace.NewSpan(), Call: trace.NewSpan(), Scheme: x.client.Scheme}
	x.own = trace.Context{Trace: parent.Trace, Span: x.Trace.Call, Flags: parent.Flags | trace.Sampled}
	if !ok {
		x.Trace.ID = trace.NewID()
		x.Trace.Parent, x.own.Trace, x.own.Flags = trace.Span{}, x.Trace.ID, trace.Sampled|trace.Random
	} else {
		x.Trace.State = strings.Join(x.asking.fields.Values(trace.State), ",")
	}
}

// propagate tells the endpoint.
func (l *standardLane) propagate(x *passage, h http.Header) {
	if x.begins {
		delete(h, trace.Parent)
		delete(h, trace.State)
	}
	if x.own != (trace.Context{}) {
		h[trace.Parent] = []string{string(x.own.Append(nil))}
	}
}

// propagate is the same for the fast lane: fields to add, as they go on the wire.
func (l *fastLane) propagate(dst []byte) []byte {
	if l.begins {
		l.f.Fields.DropNamed(trace.State)
	}
	if l.begins || l.own != (trace.Context{}) {
		l.f.Fields.DropNamed(trace.Parent)
	}
	if l.own == (trace.Context{}) {
		return dst
	}
	dst = append(append(dst, trace.Parent...), ": "...)
	return append(l.own.Append(dst), "\r\n"...)
}

// end tells of a traced exchange.
func (t *tracer) end(x *passage) {
	x.Trace.Sent, x.Trace.Last = x.outcome.Began, x.lastGate()
	if x.route != nil {
		x.Trace.Pattern, x.Trace.Limited = x.route.settings.Rule.Path, len(x.route.limits) > 0 && !x.HealthCheck
	}
	t.to.Record(&x.Exchange)
}

// lastGate is where the exchange ended.
func (x *passage) lastGate() Gate {
	switch {
	case !x.outcome.Began.IsZero():
		return ForwardGate
	case x.up == nil:
		return NoGate
	case x.Reason == reason.Quota:
		return BucketGate
	case x.Reason == reason.Breaker || x.Reason == reason.NoEndpoint:
		return BreakerGate
	}
	return AdmissionGate
}
