package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"triage/proxy/reason"
)

var errTunnel = errors.New("CONNECT asks for a tunnel, which this proxy does not open")

// blame says why there is no response header, by the first cause that was noted.
func (a *attempt) blame(err error) (reason.Reason, error) {
	if why, cause := a.blameClient(); why != reason.None {
		return why, cause
	}
	if timedOut, _ := a.watch.verdict(); timedOut {
		if a.conn == nil {
			return reason.ConnectTimeout, fmt.Errorf("no connection: %w", errTimeout)
		}
		return reason.UpstreamTimeout, errTimeout
	}
	var dial *dialError
	switch {
	case errors.As(err, &dial):
		return dial.why, err
	case a.conn == nil:
		return reason.Internal, err
	case a.to.HTTP2:
		return a.blameStream(err), err
	case a.conn.ended.Load() || brokeOff(err):
		return reason.UpstreamReset, err
	case a.conn.received.Load() || a.conn.unasked.Load():
		return reason.UpstreamGarbage, err
	}
	return reason.Internal, err
}

// blameBody says why the response body is not whole.
func (a *attempt) blameBody(err error) (reason.Reason, error) {
	if why, cause := a.blameClient(); why != reason.None {
		return why, cause
	}
	if _, stalled := a.watch.verdict(); stalled {
		return reason.UpstreamIncomplete, errStill
	}
	if a.to.HTTP2 && a.blameStream(err) == reason.UpstreamReset || brokeOff(err) || a.conn.ended.Load() {
		return reason.UpstreamIncomplete, err
	}
	return reason.UpstreamGarbage, err
}

// blameClient looks whether the client was first to fail.
func (a *attempt) blameClient() (reason.Reason, error) {
	if err := a.upload.fault(); err != nil {
		why := uploadReason(err)
		// An HTTP/2 client leaves by resetting its stream, with an error of a type that net/http keeps to itself.
		if why == reason.BadRequest && a.r.ProtoMajor > 1 && a.clientGone() {
			why = reason.ClientGone
		}
		return why, fmt.Errorf("reading the request body: %w", err)
	}
	if a.clientGone() {
		return reason.ClientGone, fmt.Errorf("the client's request has ended: %w", context.Cause(a.r.Context()))
	}
	return reason.None, nil
}

// uploadReason tells a client that left from one that misbehaves. A client that stands still is there and may be told.
func uploadReason(err error) reason.Reason {
	var tooLarge *http.MaxBytesError
	var network net.Error
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return refused.why
	case errors.Is(err, errTooLarge), errors.As(err, &tooLarge):
		return reason.BodyTooLarge
	case errors.As(err, &network) && network.Timeout():
		return reason.ClientTimeout
	case brokeOff(err), errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled):
		return reason.ClientGone
	}
	return reason.BadRequest
}

// sendReason tells a client that takes nothing from one that left.
func sendReason(err error) reason.Reason {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return reason.ClientStalled
	}
	return reason.ClientGone
}

// brokeOff tells a connection that failed from bytes that make no sense. A connection that was closed on our side says
// nothing: something else was the reason to close it.
func brokeOff(err error) bool {
	var network net.Error
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}
