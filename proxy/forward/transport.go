package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"triage/proxy/reason"
)

const (
	// responseHeaderLimit is the size of the largest response header in bytes: that of Envoy's 60 KiB, rounded.
	responseHeaderLimit = 64 << 10
	// idleConnection is how long an unused connection is kept: nginx's keepalive_timeout for upstreams. An endpoint that
	// closes sooner is noticed when it does.
	idleConnection = 60 * time.Second
	// ioBuffer is net/http's buffer per connection and direction; larger bodies go around it.
	ioBuffer = 4 << 10
)

// dialError is a connection that was not made.
type dialError struct {
	why reason.Reason
	err error
}

func (e *dialError) Error() string { return fmt.Sprintf("connecting: %v", e.err) }
func (e *dialError) Unwrap() error { return e.err }

// newTransport makes a transport that adds nothing of its own to requests: no compression, no proxy of the environment,
// no HTTP/2 behind the back of TLS.
func (f *Forwarder) newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            f.dial,
		DialTLSContext:         f.dialTLS,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    f.settings.IdleConnections,
		IdleConnTimeout:        idleConnection,
		MaxResponseHeaderBytes: responseHeaderLimit,
		ReadBufferSize:         ioBuffer,
		WriteBufferSize:        ioBuffer,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
}

func (f *Forwarder) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := f.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newConn(c, &f.buffers), nil
}

func (f *Forwarder) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := f.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secure, err := f.handshake(ctx, c, address, f.tlsConfig())
	if err != nil {
		return nil, err
	}
	return newConn(secure, &f.buffers), nil
}

// dialHTTP2 gives the TLS connection itself, for net/http asks it for the protocol; what remembers is beneath.
func (f *Forwarder) dialHTTP2(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := f.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := f.tlsConfig()
	config.NextProtos = []string{"h2"}
	secure, err := f.handshake(ctx, c, address, config)
	if err != nil {
		return nil, err
	}
	if secure.ConnectionState().NegotiatedProtocol != "h2" {
		closeQuietly(c)
		return nil, &dialError{reason.TLS, errNoHTTP2}
	}
	return secure, nil
}

func (f *Forwarder) handshake(ctx context.Context, c net.Conn, address string, config *tls.Config) (*tls.Conn, error) {
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(c, config)
	ctx, cancel := context.WithTimeout(ctx, f.settings.ConnectTimeout)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		closeQuietly(c)
		return nil, &dialError{reason.TLS, fmt.Errorf("tls handshake: %w", err)}
	}
	return secure, nil
}

func (f *Forwarder) connect(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: f.settings.ConnectTimeout}
	c, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, &dialError{dialReason(err), err}
	}
	return c, nil
}

// dialReason tells the endpoint's refusals from want of our own: descriptors, ports, memory.
func dialReason(err error) reason.Reason {
	var dns *net.DNSError
	var timeout net.Error
	for _, ours := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, ours) {
			return reason.Internal
		}
	}
	switch {
	case errors.As(err, &dns):
		return reason.DNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return reason.ConnectRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return reason.ConnectTimeout
	}
	return reason.ConnectFailed
}
