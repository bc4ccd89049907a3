package forward

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
	"time"

	"triage/proxy/reason"
)

// attempt is one call of Forward: what it works on, and what its parts have noted.
type attempt struct {
	f     *Forwarder
	w     http.ResponseWriter
	rc    *http.ResponseController
	r     *http.Request
	to    Target
	out   Outcome
	begun time.Time

	cancel context.CancelCauseFunc
	trace  httptrace.ClientTrace
	// conn is the connection that the transport chose, nil until it has one.
	conn *conn
	sent atomic.Bool
	// websocket is set when the request that goes out asks for the upgrade.
	websocket bool

	upload upload
	watch  watch
	head   head
}

func newAttempt(f *Forwarder, w http.ResponseWriter, r *http.Request, to Target) *attempt {
	a := &attempt{f: f, w: w, rc: http.NewResponseController(w), r: r, to: to, begun: time.Now()}
	a.websocket = asksForWebsocket(r) && !to.HTTP2
	a.upload.a, a.watch.a, a.head.a = a, a, a
	a.upload.idle.L = &a.upload.mu
	a.trace.Got1xxResponse = func(code int, h textproto.MIMEHeader) error { return a.head.inform(code, http.Header(h)) }
	if to.HTTP2 {
		a.trace.GotConn = a.gotStream
		a.trace.WroteHeaders = func() { a.sent.Store(true) }
		return a
	}
	a.trace.GotConn = a.gotConn
	// From here on the transport reads ahead, for whoever comes next.
	a.trace.PutIdleConn = func(error) { a.conn.attempt.CompareAndSwap(a, nil) }
	return a
}

// request makes the request that goes out.
func (a *attempt) request() *http.Request {
	var ctx context.Context
	ctx, a.cancel = context.WithCancelCause(httptrace.WithClientTrace(a.r.Context(), &a.trace))
	out := a.r.WithContext(ctx)
	out.URL = endpointURL(a.r.URL, a.to.URL)
	out.Header = outgoingHeader(a.r, a.websocket)
	if a.to.HTTP2 {
		// It has no such field (RFC 9113, section 8.2.2), and Te stands without it.
		delete(out.Header, "Connection")
	}
	if a.to.Host != "" {
		out.Host = a.to.Host
	}
	out.Close = false
	out.RequestURI = ""
	out.TransferEncoding = nil
	out.Trailer = nil
	out.Body = nil
	if a.r.ContentLength != 0 && a.r.Body != nil {
		a.upload.attach(out)
	}
	return out
}

// gotConn notes the connection. It is called in Forward's goroutine, again when the transport retries on another one.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	if a.conn != nil {
		a.conn.attempt.CompareAndSwap(a, nil)
	}
	a.conn, _ = info.Conn.(*conn)
	if !info.Reused {
		a.connected()
	}
	if a.conn != nil {
		if info.Reused {
			a.conn.inStep()
		}
		a.conn.received.Store(false)
		a.conn.attempt.Store(a)
	}
}

// connected tells how long it took to get a connection.
func (a *attempt) connected() {
	if a.to.Connected != nil {
		a.to.Connected(time.Since(a.begun))
	}
}

// end lets go of everything. After it nobody touches the request or the writer any more.
func (a *attempt) end() {
	a.cancel(errEnded)
	a.watch.stop()
	a.upload.end()
	if a.conn != nil {
		a.conn.attempt.CompareAndSwap(a, nil)
	}
	if a.upload.wasTorn() && !a.out.Started {
		a.closeAfterReply()
	}
}

// closeAfterReply keeps net/http from looking for another request behind a body that was not read to its end.
// In HTTP/2 the field would close the whole connection, and the stream needs no such care.
func (a *attempt) closeAfterReply() {
	if a.r.ProtoMajor == 1 {
		a.w.Header().Set("Connection", "close")
	}
}

// clientGone reports whether the client left, as far as that was not caused by ending the upload.
func (a *attempt) clientGone() bool {
	if torn, gone := a.upload.tornBy(); torn {
		return gone
	}
	return a.r.Context().Err() != nil
}

func (a *attempt) fail(why reason.Reason, err error) {
	a.out.Reason = why
	a.out.Err = fmt.Errorf("forwarding to upstream %q, endpoint %s: %w", a.f.settings.Name, a.to.URL.Host, err)
	a.out.Abort = a.out.Started && !a.out.Upgraded
}

// outcome sums up. It counts the upload's bytes before end has stopped a read under way, which will not be passed on.
func (a *attempt) outcome() Outcome {
	n, wait := a.upload.progress()
	a.out.BytesIn += n
	a.out.Began = a.begun
	// The answer may be here before the write that it answers has returned.
	a.out.Sent = a.out.Status != 0 || a.sent.Load()
	if a.out.Status == 0 {
		a.out.ClientWait = wait
	}
	return a.out
}

func closeQuietly(c io.Closer) {
	// Nothing can be done about an error here, and the bytes that mattered have passed or failed by themselves.
	_ = c.Close()
}
