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
	asking asking
	// home is the client's address as a key, "" until somebody asks, on homeSpace; space is where other keys are made.
	home             string
	homeSpace, space []byte
	route            *routeState // nil if none covers the request
	up               *upstreamState

	visit    visit
	asked    shed.Ask
	until    time.Time // the client says that it waits; zero if it does not
	seat     seat
	handed   bool          // it counts against a limit set by hand
	retryIn  time.Duration // what a refusal tells the client to wait
	endpoint *upstream.Endpoint
	outcome  forward.Outcome
	propagation
	// timed is set if the client may see the time in each stage and wants to; sentAt is when the request went out then.
	timed  bool
	sentAt time.Time
	// shedBelow is set when somebody between here and the backend refused the request because of load.
	shedBelow bool
}

// asking is the request as the gates see it, whichever lane it came by.
type asking struct {
	ctx    context.Context
	fields edge.Fields
	// path is canonical and decoded; malformed is set if there is none.
	path      string
	malformed bool
	// bodyless is set if the request surely has no body.
	bodyless bool
	grpc     bool
	// header is about how long the request's header is, in bytes.
	header int
}

// lane is what differs between the ways in and out of the gates.
type lane interface {
	// carry takes the exchange to its endpoint and the answer back.
	carry(p *Proxy, x *passage) forward.Outcome
	// answer is where Triage's own answer is written.
	answer() http.ResponseWriter
}

// serve takes one exchange along its way.
func (p *Proxy) serve(x *passage, l lane) {
	x.Reason = p.walk(x, l)
	if x.Reason != reason.None && !x.outcome.Started && !x.Upgraded {
		p.refuse(x, l.answer())
	}
}

// walk takes the exchange through the gates in order. The first refusal ends it.
func (p *Proxy) walk(x *passage, l lane) reason.Reason {
	if why := x.cover(); why != reason.None { // proxy/route: which rule covers it?
		return why
	}
	if why := x.enforce(x.takeTokens()); why != reason.None { // shed/bucket: within its quota?
		return why
	}
	if why := x.admit(); why != reason.None { // shed: can the backend afford it now?
		return why
	}
	if why := x.choose(p.dice()); why != reason.None { // proxy/upstream: which endpoint? breaker: may it be called?
		return why
	}
	return p.forward(x, l) // proxy/forward: carry it over, byte for byte
}

// admit waits for a slot under the route's limit.
func (x *passage) admit() reason.Reason {
	if x.HealthCheck {
		return reason.None
	}
	x.asked = x.ask()
	if x.route.byHand {
		if why := x.byHand(); why != reason.None {
			return why
		}
	}
	slot, no, queued := x.up.gate.Enter(x.asking.ctx, x.asked)
	x.Queued = queued
	if no.Reason != shed.Admitted {
		if x.asking.ctx.Err() != nil {
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
	x.endpoint, x.Endpoint, x.seat.slot.Endpoint = e, e.Name(), e.Index+1
	x.up.panicking.Store(panicking)
	if pass, ok := x.up.breakers[e.Index].AllowAs(x.seat.cost); ok {
		x.seat.passes[1] = pass
	}
	return reason.None
}

// forward carries the exchange over and brings its slot back as soon as the response header has come.
func (p *Proxy) forward(x *passage, l lane) reason.Reason {
	x.endpoint.Begin()
	defer x.endpoint.End()
	x.sent()
	x.outcome = l.carry(p, x)
	x.arrived()
	x.collect()
	x.UpstreamStatus, x.FirstByte, x.Upgraded = x.outcome.Status, x.outcome.FirstByte, x.outcome.Upgraded
	x.BytesIn, x.BytesOut = x.outcome.BytesIn, x.outcome.BytesOut
	if x.outcome.Started {
		x.Status = x.outcome.Status
	}
	return x.outcome.Reason
}

// OnHeader is called when the response header has come: the slot goes to somebody else.
func (x *passage) OnHeader(status int, clientWait time.Duration) {
	x.UpstreamStatus = status
	x.seat.answer(answerOutcome(status), clientWait)
}

// SlowBody is called when the client is slow to send its body.
func (x *passage) SlowBody() {
	if !x.HealthCheck {
		x.seat.leave()
	}
}

// WholeBody is called when a slow body is whole.
func (x *passage) WholeBody(ctx context.Context) reason.Reason {
	if x.HealthCheck {
		return reason.None
	}
	return x.comeBack(ctx, x.askAgain(time.Now()))
}

// hints reports whether the backend is asked to skip optional work.
func (x *passage) hints() bool { return x.seat.slot.Hint && x.route.settings.Hint }

// respond has a last look at the response header before it goes to the client.
func (x *passage) respond(h edge.Fields) {
	if x.UpstreamStatus == http.StatusServiceUnavailable || x.UpstreamStatus == http.StatusTooManyRequests {
		x.shedBelow = said(h, "X-Envoy-Overloaded") || said(h, "Admission-Control") || said(h, "Proxy-Status")
	}
	x.seat.judge(x.verdict(), false)
	x.complete(h)
}

// said reports whether a field is there and says something.
func said(h edge.Fields, name string) bool {
	values := h.Values(name)
	return len(values) > 0 && values[0] != ""
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

func (x *passage) responseLimit() int64 {
	if x.route == nil {
		return 0
	}
	return x.route.settings.ResponseLimit
}
