package forward

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"triage/proxy/reason"
)

const (
	// defaultPingAfter is how long an HTTP/2 connection with streams may be silent before it is asked whether it is alive, and
	// defaultPingTimeout how long the answer may take: what is behind a dead path is known after 15 s, long before TCP gives up.
	defaultPingAfter   = 10 * time.Second
	defaultPingTimeout = 5 * time.Second
)

var errNoHTTP2 = errors.New("the endpoint did not agree to HTTP/2 (ALPN h2)")

// newHTTP2Transport makes a transport that speaks HTTP/2 and nothing else: behind TLS by ALPN, without it by prior knowledge (RFC 9113,
// section 3.3).
func (f *Forwarder) newHTTP2Transport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{
		DialContext:            f.dial,
		DialTLSContext:         f.dialHTTP2,
		DisableCompression:     true,
		IdleConnTimeout:        idleConnection,
		MaxResponseHeaderBytes: responseHeaderLimit,
		Protocols:              &protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: f.settings.PingAfter, PingTimeout: f.settings.PingTimeout},
	}
}

// transportFor gives the transport of the endpoint's protocol.
func (f *Forwarder) transportFor(to Target) *http.Transport {
	if to.HTTP2 {
		return f.http2
	}
	return f.transport
}

// netConn is what a connection of either transport goes over, as evidence.
func netConn(c net.Conn) *conn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	evidence, _ := c.(*conn)
	return evidence
}

// gotStream notes the connection. Many exchanges share it, so that it cannot know whose bytes it carries.
func (a *attempt) gotStream(info httptrace.GotConnInfo) { a.conn = netConn(info.Conn) }

// streamError has the shape by which net/http gives out its own type: the error of one HTTP/2 stream.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "stream error" }

// What net/http says of its HTTP/2 errors that have no type to be asked for.
const (
	fromPeer = "received from peer"
	lost     = "client connection lost"
	goAway   = "GOAWAY"
)

// blameStream says what the endpoint did to a stream of HTTP/2: broke it off, or sent what is no HTTP/2.
func (a *attempt) blameStream(err error) reason.Reason {
	var stream streamError
	switch text := err.Error(); {
	case errors.As(err, &stream):
		if stream.Cause == nil || stream.Cause.Error() == fromPeer {
			return reason.UpstreamReset
		}
		return reason.UpstreamGarbage
	case a.conn.ended.Load() && !a.conn.received.Load(), brokeOff(err), strings.Contains(text, lost), strings.Contains(text, goAway):
		return reason.UpstreamReset
	case a.conn.received.Load():
		return reason.UpstreamGarbage
	}
	return reason.Internal
}

// closeStream is called when the transport wants no more of the body. In HTTP/2 it does not end an exchange whose endpoint has
// finished before it has the body's reader back.
func (u *upload) closeStream() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.started && !u.whole && !u.over {
		u.tearLocked()
	}
}
