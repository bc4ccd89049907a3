package forward

import (
	"errors"
	"fmt"
	"net/http"

	"triage/proxy/http1"
	"triage/proxy/reason"
)

// await waits for the final response header, and passes on those that come before it.
func (x *Carrier) await() error {
	x.c.Settle()
	head := x.c.Method == http.MethodHead
	for informed := 0; ; {
		n, err := http1.ParseResponse(x.peer.Buffered(), &x.peer.Response, head, maxResponseFields)
		switch {
		case err != nil:
			return err
		case n == 0:
			if err := x.fillPeer(x.deadline()); err != nil {
				return err
			}
			continue
		case x.peer.Response.Status == http.StatusSwitchingProtocols:
			return errUnasked
		case x.peer.Response.Status >= 200:
			x.peer.Skip(n)
			x.peer.Body.Reset(&x.peer.Conn, x.peer.Response.Framing)
			return nil
		}
		if informed++; informed > informational {
			return errInformational
		}
		if err := x.inform(); err != nil {
			return err
		}
		x.peer.Skip(n)
	}
}

// inform passes a 1xx response on.
func (x *Carrier) inform() error {
	r := &x.peer.Response
	b := http1.AppendStatus(nil, r.Status, r.Phrase)
	b, _ = appendAnswerFields(b, r)
	if _, err := x.c.Send(append(b, "\r\n"...)); err != nil {
		return errGone
	}
	return nil
}

// pass carries the response over to the client.
func (x *Carrier) pass() {
	r := &x.peer.Response
	x.out.Status = r.Status
	x.out.FirstByte = x.now - x.begun
	x.out.ClientWait = x.wait
	x.to.Hooks.OnHeader(r.Status, x.wait)
	if x.exceeds(r.Framing.Length) {
		x.fail(reason.ResponseTooLarge, errResponseTooLarge)
		return
	}
	x.early = x.early || !x.c.Body.Whole()
	if x.to.Hooks.Look(&r.Fields) || x.early {
		x.c.Last = true
	}
	x.out.Started = true
	if !x.c.Body.Whole() || len(x.unsent) > 0 {
		x.pump = startPump(x)
	}
	if err := x.stream(x.header()); err != nil {
		x.fail(x.blameAnswer(err))
	}
}

// exceeds reports whether a body of n bytes is larger than a response may be.
func (x *Carrier) exceeds(n int64) bool { return x.to.ResponseLimit > 0 && n > x.to.ResponseLimit }

// header writes the response's header into the call's buffer.
func (x *Carrier) header() []byte {
	r := &x.peer.Response
	b := http1.AppendStatus(x.c.Out[:0], r.Status, r.Phrase)
	b, dated := appendAnswerFields(b, r)
	b = append(b, x.to.Timing...)
	switch {
	case r.Framing.Chunked || r.UntilClose:
		b = append(appendAnnounced(b, r), "Transfer-Encoding: chunked\r\n"...)
	case r.Said && r.Status != http.StatusNoContent:
		b = http1.AppendField(b, "Content-Length", r.Values("Content-Length")[0])
	}
	return x.c.AppendEnd(b, dated)
}

// broke says why there is no response header, or that the request may be sent again.
func (x *Carrier) broke(err error) (again bool) {
	if x.stale(err) {
		return true
	}
	x.fail(x.blameRequest(err))
	return false
}

// stale reports whether a kept-alive connection broke under a request that may be sent again: because nothing of it had left, or because
// it changes nothing and has no body, and nothing of an answer came.
func (x *Carrier) stale(err error) bool {
	var client *clientError
	var refused *refusal
	switch {
	case !x.peer.Used || x.answered || x.early || errors.As(err, &client) || errors.As(err, &refused):
		return false
	case errors.Is(err, errGone) || errors.Is(err, errTimeout):
		return false
	case !x.sent:
		return x.ready != nil
	}
	switch x.c.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return x.c.Request.Framing.Empty()
	}
	return false
}

func (x *Carrier) fail(why reason.Reason, err error) {
	x.out.Reason = why
	x.out.Err = fmt.Errorf("forwarding to upstream %q, endpoint %s: %w", x.f.settings.Name, x.to.URL.Host, err)
	x.out.Abort = x.out.Started
}

// blameRequest says why there is no response header.
func (x *Carrier) blameRequest(err error) (reason.Reason, error) {
	var client *clientError
	var refused *refusal
	var wrong *http1.Error
	switch {
	case errors.As(err, &refused):
		return refused.why, err
	case errors.As(err, &client):
		return x.blameClient(client.err), err
	case errors.Is(err, errGone):
		return reason.ClientGone, err
	case errors.Is(err, errTimeout):
		return reason.UpstreamTimeout, err
	case errors.As(err, &wrong), errors.Is(err, errUnasked), errors.Is(err, errInformational):
		return reason.UpstreamGarbage, err
	case x.c.Gone():
		return reason.ClientGone, err
	}
	return reason.UpstreamReset, err
}

// blameClient says what a client has done whose body could not be read.
func (x *Carrier) blameClient(err error) reason.Reason {
	var wrong *http1.Error
	switch {
	case errors.Is(err, errTooLarge):
		return reason.BodyTooLarge
	case http1.Late(err):
		return reason.ClientTimeout
	case errors.As(err, &wrong):
		return reason.BadRequest
	}
	return reason.ClientGone
}

// blameAnswer says why the response body is not whole.
func (x *Carrier) blameAnswer(err error) (reason.Reason, error) {
	var send *sendError
	var wrong *http1.Error
	if x.pump != nil {
		if why := x.pump.fault(); why != reason.None {
			return why, err
		}
	}
	switch {
	case errors.Is(err, errResponseTooLarge):
		return reason.ResponseTooLarge, err
	case errors.As(err, &send):
		return sendReason(err), err
	case errors.Is(err, errGone):
		return reason.ClientGone, err
	case errors.Is(err, errTimeout):
		return reason.UpstreamIncomplete, errStill
	case errors.As(err, &wrong):
		return reason.UpstreamGarbage, err
	}
	return reason.UpstreamIncomplete, err
}
