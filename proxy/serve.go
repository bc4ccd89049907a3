package proxy

import (
	"context"
	"net/http"
	"time"

	"triage/proxy/edge"
	"triage/proxy/forward"
	"triage/proxy/reason"
	"triage/proxy/upstream"
	"triage/shed"
)

// passage is an exchange on its way, with what the stations need beside the record.
type passage struct {
	Exchange
	table  *table
	client edge.Client
	route  *routeState // nil if none covers the request
	up     *upstreamState

	visit    visit
	asked    shed.Ask
	until    time.Time // the client says that it waits; zero if it does not
	seat     seat
	retryIn  time.Duration // what a refusal tells the client to wait
	endpoint *upstream.Endpoint
	outcome  forward.Outcome
	// shedBelow is set when somebody between here and the backend refused the request because of load.
	shedBelow bool
}

// ServeHTTP takes one request along its way and tells everybody who learns from it how it ended.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := p.begin(r)
	defer p.finish(x, w)
	x.Reason = p.walk(x, w, r)
	if x.Reason != reason.None && !x.outcome.Started && !x.Upgraded {
		p.refuse(x, w, r)
	}
}

// walk takes the exchange through the gates in order. The first refusal ends it.
func (p *Proxy) walk(x *passage, w http.ResponseWriter, r *http.Request) reason.Reason {
	if why := x.cover(r); why != reason.None { // proxy/route: which rule covers it?
		return why
	}
	if why := x.enforce(x.takeTokens(r)); why != reason.None { // shed/bucket: within its quota?
		return why
	}
	if why := x.admit(r); why != reason.None { // shed: can the backend afford it now?
		return why
	}
	if why := x.choose(p.dice()); why != reason.None { // proxy/upstream: which endpoint? breaker: may it be called?
		return why
	}
	return p.forward(x, w, r) // proxy/forward: carry it over, byte for byte
}

// begin opens the record: who asks?
func (p *Proxy) begin(r *http.Request) *passage {
	x := &passage{table: p.table.Load(), client: edge.ClientOf(r)}
	x.Start = time.Now()
	x.Client, x.Method, x.Host, x.Proto = x.client.Addr, r.Method, r.Host, r.Proto
	x.Path = r.URL.EscapedPath()
	x.ID = requestID(r, x.client.Trusted)
	// Before anybody decides by a header: a rule, a quota or a session must not go by what the client has no right to say.
	edge.Sanitize(r.Header, x.client)
	return x
}

// admit waits for a slot under the route's limit.
func (x *passage) admit(r *http.Request) reason.Reason {
	if x.HealthCheck {
		return reason.None
	}
	x.asked = x.ask(r)
	slot, no, queued := x.up.gate.Enter(r.Context(), x.asked)
	x.Queued = queued
	if no.Reason != shed.Admitted {
		if r.Context().Err() != nil {
			return reason.ClientGone
		}
		x.retryIn = no.RetryAfter
		return shedReason(no.Reason)
	}
	x.seat.slot = slot
	x.note(wouldReason(slot.Would))
	return reason.None
}

// choose finds the endpoint and asks the breakers. Who is a dear probe leaves it to the others: it goes to another endpoint, or waits for
// the route to be found healthy.
func (x *passage) choose(dice uint64) reason.Reason {
	x.seat.cost = x.cost()
	if !x.HealthCheck {
		pass, ok := x.route.breaker.AllowAs(x.seat.cost)
		if !ok && x.enforce(reason.Breaker) != reason.None {
			x.retryIn = x.route.breaker.RetryIn()
			return reason.Breaker
		}
		x.seat.passes[0] = pass
	}
	e, panicking := x.up.pool.Pick(dice, x.usable)
	if e == nil {
		return reason.NoEndpoint
	}
	x.endpoint, x.Endpoint, x.seat.slot.Endpoint = e, e.URL().String(), e.Index+1
	x.up.panicking.Store(panicking)
	if pass, ok := x.up.breakers[e.Index].AllowAs(x.seat.cost); ok {
		x.seat.passes[1] = pass
	}
	return reason.None
}

// forward carries the exchange over and brings its slot back as soon as the response header has come.
func (p *Proxy) forward(x *passage, w http.ResponseWriter, r *http.Request) reason.Reason {
	out := p.prepare(x, r)
	x.endpoint.Begin()
	defer x.endpoint.End()
	to := forward.Target{
		URL: x.endpoint.URL(), Timeout: x.timeout(), BodyLimit: x.bodyLimit(),
		OnHeader: func(status int, clientWait time.Duration) {
			x.UpstreamStatus = status
			x.seat.answer(answerOutcome(status), clientWait)
		},
		Header: func(h http.Header) { p.respond(x, h) },
	}
	if !x.HealthCheck {
		to.SlowBody = x.seat.leave
		to.WholeBody = func(ctx context.Context) reason.Reason { return x.comeBack(ctx, x.askAgain(time.Now())) }
	}
	x.outcome = x.up.forwarder.Forward(w, out, to)
	x.collect()
	x.UpstreamStatus, x.FirstByte, x.Upgraded = x.outcome.Status, x.outcome.FirstByte, x.outcome.Upgraded
	x.BytesIn, x.BytesOut = x.outcome.BytesIn, x.outcome.BytesOut
	if x.outcome.Started {
		x.Status = x.outcome.Status
	}
	return x.outcome.Reason
}

// prepare makes the request that goes out, with the fields a proxy adds.
func (p *Proxy) prepare(x *passage, r *http.Request) *http.Request {
	out := *r
	out.Header = r.Header.Clone()
	edge.Forwarded(out.Header, x.client, x.table.name, r.Proto)
	out.Header.Set("X-Request-Id", x.ID)
	if x.seat.slot.Hint && x.route.settings.Hint {
		out.Header.Set("X-Triage-Degrade", "optional")
	}
	return &out
}

// respond has a last look at the response header before it goes to the client.
func (p *Proxy) respond(x *passage, h http.Header) {
	busy := x.UpstreamStatus == http.StatusServiceUnavailable || x.UpstreamStatus == http.StatusTooManyRequests
	x.shedBelow = busy && (h.Get("X-Envoy-Overloaded") != "" || h.Get("Admission-Control") != "" || h.Get("Proxy-Status") != "")
	x.seat.judge(x.verdict(), false)
	x.complete(h)
	p.closing(h)
}

func (x *passage) timeout() time.Duration {
	if x.route != nil && x.route.settings.Timeout > 0 {
		return x.route.settings.Timeout
	}
	return x.up.settings.Timeout
}

func (x *passage) bodyLimit() int64 {
	if x.route == nil {
		return 0
	}
	return x.route.settings.BodyLimit
}
