package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"time"
	"unsafe"

	"triage/breaker"
	"triage/proxy/edge"
	"triage/proxy/reason"
	"triage/shed"
)

// finish tells the outcome, once, to all that learn from it, and closes the record. It runs on every path, a panic included.
func (p *Proxy) finish(x *passage, l lane, panicked any) (abort bool) {
	if panicked != nil && panicked != http.ErrAbortHandler {
		p.logger.Error("a request made the proxy panic", "panic", panicked, "path", x.Path, "stack", stack())
		x.Reason = reason.Internal
		if !x.outcome.Started && x.Status == 0 {
			p.refuse(x, l.answer())
		}
	}
	x.Total = time.Since(x.Start)
	x.stages()
	x.Result = x.result()
	x.handBack()
	x.hurt()
	x.learn()
	x.recorder().Record(&x.Exchange)
	if x.Trace != nil {
		x.table.tracer.end(x)
	}
	return panicked != nil || x.outcome.Abort
}

// hurt says whom it hurt: only of those who were not served, for it costs a hash.
func (x *passage) hurt() {
	switch {
	case x.Result == Served || x.Result == Void || x.route == nil:
	case x.visit.id != "":
		x.Session = uint64(x.sessionKey(x.visit.id))
	default:
		x.Session = uint64(x.table.sessions.table.Key("client", "", household(x.Client)))
	}
}

func (x *passage) recorder() Recorder {
	if x.route == nil {
		return x.table.uncovered
	}
	return x.route.recorder
}

// learn brings the slot back, if the response header has not done so already, and tells the breakers.
func (x *passage) learn() {
	x.seat.answer(x.slotOutcome(), x.outcome.ClientWait)
	x.seat.judge(x.verdict(), true)
}

// answerOutcome judges a response header.
func answerOutcome(status int) shed.Outcome {
	switch {
	case backendFailed(status):
		return shed.Failure
	case status >= 400:
		return shed.Declined
	}
	return shed.Success
}

// backendFailed reports whether a status is a server error. 501 and 505 say that the request asks for something this server never
// does, which is no sign of trouble.
func backendFailed(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported
}

// slotOutcome judges an exchange that ended without a response header.
func (x *passage) slotOutcome() shed.Outcome {
	switch {
	case x.endpoint == nil:
		return shed.NotSent
	case x.Reason.Fault() == reason.FaultClient && x.Reason != reason.ClientGone:
		// A request that we broke off because it is wrong leaves no work behind, as one does that its client has given up.
		return shed.NotSent
	case x.Reason == reason.UpstreamTimeout || x.Reason == reason.ConnectTimeout:
		return shed.Timeout
	case x.Reason.Fault() == reason.FaultBackend:
		return shed.Failure
	case x.Reason == reason.None:
		return shed.Success
	}
	return shed.Abandoned
}

// verdict judges for the breakers. A shed by somebody further down says that the backend is busy, not that it is broken.
func (x *passage) verdict() breaker.Outcome {
	why := x.Reason
	if why == reason.ResponseTooLarge {
		why = reason.None // it came, and counts by its status: how much a client asks for must not open a breaker
	}
	switch {
	case x.endpoint == nil:
		return breaker.Ignored
	case why.Fault() == reason.FaultBackend:
		return breaker.Failure
	case why != reason.None || x.shedBelow:
		return breaker.Ignored
	case backendFailed(x.UpstreamStatus):
		return breaker.Failure
	}
	return breaker.Success
}

// result sums the exchange up, seen from the client.
func (x *passage) result() Result {
	switch {
	case x.Result == Degraded:
		return Degraded
	case x.Reason.Shed():
		return Refused
	case x.Reason.Fault() == reason.FaultClient:
		return Void
	case x.Reason != reason.None, backendFailed(x.UpstreamStatus):
		return Failed
	}
	return Served
}

// requestID is the id of a trusted peer's request, or a fresh one of 128 random bits.
func requestID(h edge.Fields, trusted bool, space *[32]byte) string {
	if trusted {
		if said := h.Values("X-Request-Id"); len(said) > 0 && said[0] != "" && len(said[0]) <= 128 {
			return said[0]
		}
	}
	return freshID(space)
}

// freshID makes an id in space, of which the text is a window.
func freshID(space *[32]byte) string {
	var id [16]byte
	binary.LittleEndian.PutUint64(id[:], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	hex.Encode(space[:], id[:])
	return unsafe.String(&space[0], len(space))
}
