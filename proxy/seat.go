package proxy

import (
	"context"
	"sync"
	"time"

	"triage/breaker"
	"triage/proxy/reason"
	"triage/shed"
)

// seat is what an exchange holds while it is with the backend: its slot and the breakers' passes. While a slow client still sends
// its body the backend only waits, so the slot goes to somebody else and a probe of a breaker to another request; both are asked
// for again when the body is whole. Otherwise a handful of clients that send a byte now and then would hold every slot of a route.
//
// The hooks below are called by the goroutine that reads the body.
type seat struct {
	mu     sync.Mutex
	slot   shed.Slot
	passes [2]breaker.Pass // of the route and of the endpoint
	cost   breaker.Cost    // of the request as a probe
	// left is set while the seat is given up, whole when the body is there, over when the exchange needs no seat any more.
	left, whole, over bool
	// again is the time in the waiting room for the second time, retryIn what a refusal there says, would why there would have been one.
	again, retryIn time.Duration
	would          reason.Reason
}

// leave gives the seat up until the body is whole.
func (s *seat) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.whole || s.over {
		return
	}
	s.left = true
	s.slot.Done(shed.NotSent, 0)
	for _, pass := range s.passes {
		if pass.Probe() {
			pass.Done(breaker.Ignored)
		}
	}
}

// comeBack asks for the seat again. A refusal ends the exchange.
func (x *passage) comeBack(ctx context.Context, ask shed.Ask) reason.Reason {
	s := &x.seat
	s.mu.Lock()
	s.whole = true
	nothing := !s.left || s.over
	s.mu.Unlock()
	if nothing {
		return reason.None
	}
	slot, no, queued := x.up.gate.Enter(ctx, ask)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.again, s.retryIn = queued, no.RetryAfter
	switch {
	case no.Reason != shed.Admitted && ctx.Err() != nil:
		return reason.ClientGone
	case no.Reason != shed.Admitted:
		return shedReason(no.Reason)
	case s.over: // the answer came first
		slot.Done(shed.NotSent, 0)
		return reason.None
	}
	s.slot, s.would = slot, wouldReason(slot.Would)
	s.slot.Endpoint = x.endpoint.Index + 1
	return s.probeAgainLocked(x)
}

// probeAgainLocked asks the breakers again if this was a probe.
func (s *seat) probeAgainLocked(x *passage) reason.Reason {
	for i, b := range [2]*breaker.Breaker{x.route.breaker, x.up.breakers[x.endpoint.Index]} {
		if !s.passes[i].Probe() {
			continue
		}
		pass, ok := b.AllowAs(s.cost)
		s.passes[i] = pass
		switch {
		case ok || i > 0:
		case x.observed():
			s.would = reason.Breaker
		default:
			s.retryIn = b.RetryIn()
			return reason.Breaker
		}
	}
	return reason.None
}

// collect puts what the second time at the gates brought into the record.
func (x *passage) collect() {
	s := &x.seat
	s.mu.Lock()
	defer s.mu.Unlock()
	x.Queued += s.again
	x.retryIn = s.retryIn
	x.note(s.would)
}

// answer brings the slot back because the response header has come. Once the body is whole the backend waits for nobody.
func (s *seat) answer(o shed.Outcome, clientWait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	if s.left {
		clientWait = 0
	}
	if s.passes[1].Probe() {
		o = shed.NotSent // what becomes of an endpoint's probe says nothing of the load on the others
	}
	s.over = true
	s.slot.Done(o, clientWait)
}

// judge tells the breakers. One that waits for the verdict has it with the response header: the rest of the response may take for ever.
func (s *seat) judge(verdict breaker.Outcome, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pass := range s.passes {
		if all || pass.Awaited() {
			pass.Done(verdict)
		}
	}
}
