package forward

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"triage/proxy/keys"
	"triage/proxy/reason"
)

// Settings describes how one upstream's endpoints are talked to.
type Settings struct {
	// Name is the upstream's name, for error texts.
	Name string
	// ConnectTimeout is how long a connection may take, and after it the TLS handshake; 0 is 1 s.
	ConnectTimeout time.Duration
	// IdleTimeout is how long a response body may stand still, and how long an upgraded connection may go without a byte
	// in either direction; 0 is 60 s.
	IdleTimeout time.Duration
	// IdleConnections is how many idle connections are kept per endpoint; 0 is 512.
	IdleConnections int
	// TLS is used for https endpoints; nil is one that is made of TLSFiles.
	TLS *tls.Config
	// TLSFiles say whom to trust and what to show; the zero value verifies against the roots of the system and shows nothing.
	TLSFiles TLSFiles
	// Logger is told when those files were read again; nil is nobody.
	Logger *slog.Logger
	// PingAfter is how long an HTTP/2 connection may be silent before it is asked whether it is alive, 0 is 10 s; PingTimeout how long
	// the answer may take before it is given up with all that is on it, 0 is 5 s.
	PingAfter, PingTimeout time.Duration
}

// Target is where one exchange goes, and who wants to know about it.
type Target struct {
	// URL has the scheme and host of the endpoint; the rest of it is not looked at.
	URL *url.URL
	// HTTP2 is set for an endpoint that is spoken to by HTTP/2.
	HTTP2 bool
	// Timeout is how long the endpoint may take until its response header; 0 is no limit.
	Timeout time.Duration
	// BodyLimit is the size of the largest request body in bytes; 0 is no limit.
	BodyLimit int64
	// ResponseLimit is the size of the largest response body in bytes; 0 is no limit. Tunnels have none.
	ResponseLimit int64
	// Host is sent as Host; "" is the client's.
	Host string
	// OnHeader is called once when the final response header has arrived, before it is passed on; nil is nobody. clientWait is the
	// time until then that was spent waiting for the client's body.
	OnHeader func(status int, clientWait time.Duration)
	// Connected is told how long a connection took that had to be made, or how long it was tried; nil is nobody.
	Connected func(time.Duration)
	// Header may change the response header right before it goes to the client; nil changes nothing.
	Header func(http.Header)
	// SlowBody is told when the request body is not whole 50 ms after the endpoint's connection wanted it, WholeBody when it is
	// after all: the end of the body waits for it to return, and a reason other than None ends the exchange. Both are called
	// at most once, in other goroutines than Forward's; both are set or neither.
	SlowBody  func()
	WholeBody func(context.Context) reason.Reason
}

// Outcome is what became of an exchange.
type Outcome struct {
	// Reason is None when the endpoint's answer was passed on completely, whatever its status.
	Reason reason.Reason
	// Status is what the endpoint answered, 0 if it did not.
	Status int
	// Started is set when a response header went to the client: it cannot be given another answer.
	Started bool
	// Abort is set when the response broke off after it had started. The caller must panic with http.ErrAbortHandler as
	// the last thing it does, so that the client does not take the part for the whole.
	Abort bool
	// Sent is set when bytes of the request may have reached the endpoint.
	Sent bool
	// Upgraded is set when the exchange became a tunnel; it had ended when Forward returned.
	Upgraded bool
	// Began is when the call began.
	Began time.Time
	// FirstByte is the time from the call to the response header, 0 if there was none.
	FirstByte time.Duration
	// ClientWait is the part of FirstByte, or of the whole if there was no header, that was spent waiting for the client's
	// body. FirstByte − ClientWait is the endpoint's own time.
	ClientWait time.Duration
	// BytesIn and BytesOut count body bytes read from and written to the client, those of a tunnel included.
	BytesIn  int64
	BytesOut int64
	// Err says more than Reason. Its text may hold bytes that either side sent: log it as an attribute, never as a format.
	Err error
}

// Forwarder carries exchanges over to the endpoints of one upstream. It is safe for concurrent use.
type Forwarder struct {
	settings  Settings
	transport *http.Transport
	http2     *http.Transport
	buffers   sync.Pool
	pools     pools
	keys      *keys.Keys // nil if Settings.TLS is given

	mu      sync.Mutex
	tunnels map[*tunnel]struct{}
}

const (
	defaultConnectTimeout  = time.Second
	defaultIdleTimeout     = 60 * time.Second
	defaultIdleConnections = 512

	// copyBuffer is the size of the pieces in which bodies are copied: io.Copy's own, 32 KiB.
	copyBuffer = 32 << 10
)

// New makes a Forwarder. Negative settings are errors.
func New(s Settings) (*Forwarder, error) {
	if s.ConnectTimeout < 0 || s.IdleTimeout < 0 || s.IdleConnections < 0 {
		return nil, fmt.Errorf("making a forwarder for upstream %q: connect timeout %v, idle timeout %v and idle connections %d must not be negative",
			s.Name, s.ConnectTimeout, s.IdleTimeout, s.IdleConnections)
	}
	if s.ConnectTimeout == 0 {
		s.ConnectTimeout = defaultConnectTimeout
	}
	if s.IdleTimeout == 0 {
		s.IdleTimeout = defaultIdleTimeout
	}
	if s.IdleConnections == 0 {
		s.IdleConnections = defaultIdleConnections
	}
	s.PingAfter, s.PingTimeout = cmp.Or(s.PingAfter, defaultPingAfter), cmp.Or(s.PingTimeout, defaultPingTimeout)
	f := &Forwarder{settings: s, tunnels: make(map[*tunnel]struct{})}
	if s.TLS == nil {
		var err error
		if f.keys, err = s.TLSFiles.load(s.Logger); err != nil {
			return nil, fmt.Errorf("making a forwarder for upstream %q: %w", s.Name, err)
		}
	}
	f.buffers.New = func() any { return new([copyBuffer]byte) }
	f.transport, f.http2 = f.newTransport(), f.newHTTP2Transport()
	return f, nil
}

// Forward carries r over to an endpoint and the answer back to w. It returns when the exchange, a tunnel included, is over.
// The path that goes out is r.URL.EscapedPath() and the query r.URL.RawQuery, both unchanged.
func (f *Forwarder) Forward(w http.ResponseWriter, r *http.Request, to Target) Outcome {
	a := newAttempt(f, w, r, to)
	defer a.end()
	out := a.request()
	if r.Method == http.MethodConnect {
		a.fail(reason.UpgradeRefused, errTunnel)
		return a.outcome()
	}
	if to.BodyLimit > 0 && r.ContentLength > to.BodyLimit {
		a.fail(reason.BodyTooLarge, errTooLarge)
		return a.outcome()
	}
	if to.Timeout > 0 {
		a.watch.wait(responseHeader, to.Timeout)
	}
	res, err := f.transportFor(to).RoundTrip(out)
	a.head.close()
	switch arrived := a.watch.stop(); {
	case err != nil:
		if a.conn == nil {
			a.connected()
		}
		a.fail(a.blame(err))
	case !arrived:
		a.fail(reason.UpstreamTimeout, errTimeout)
		a.letGo(res)
	default:
		a.pass(res)
	}
	return a.outcome()
}

// Close closes idle connections. Exchanges under way go on.
func (f *Forwarder) Close() {
	f.transport.CloseIdleConnections()
	f.http2.CloseIdleConnections()
	f.pools.close()
}
