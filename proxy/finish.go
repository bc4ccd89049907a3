package proxy

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"triage/breaker"
	"triage/proxy/reason"
	"triage/shed"
)

// finish tells the outcome, once, to all that learn from it, and closes the record. It runs on every path, a panic included.
func (p *Proxy) finish(x *passage, w http.ResponseWriter) {
	panicked := recover()
	if panicked != nil && panicked != http.ErrAbortHandler {
		p.logger.Error("a request made the proxy panic", "panic", panicked, "path", x.Path, "stack", stack())
		x.Reason = reason.Internal
		if !x.outcome.Started && x.Status == 0 {
			p.refuse(x, w, &http.Request{Method: x.Method, Header: http.Header{}})
		}
	}
	x.Total = time.Since(x.Start)
	x.Result = x.result()
	x.learn()
	x.recorder().Record(&x.Exchange)
	if panicked != nil || x.outcome.Abort {
		panic(http.ErrAbortHandler)
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
	switch {
	case x.endpoint == nil:
		return breaker.Ignored
	case x.Reason.Fault() == reason.FaultBackend:
		return breaker.Failure
	case x.Reason != reason.None || x.shedBelow:
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
func requestID(r *http.Request, trusted bool) string {
	if id := r.Header.Get("X-Request-Id"); trusted && id != "" && len(id) <= 128 {
		return id
	}
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}
