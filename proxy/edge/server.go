package edge

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// server is one http.Server with the connections that it was given. Its timeouts are read by all of them without a
// lock, so that they cannot change; Update starts another server instead, and the old one lives on while it has connections.
type server struct {
	http *http.Server
	from *Listener
	open atomic.Int64
	// ended is set when it will accept no more.
	ended atomic.Bool
	// retired is closed when a newer server takes the connections.
	retired chan struct{}
	once    sync.Once
}

// Accept takes the next connection: the server is its own net.Listener.
func (s *server) Accept() (net.Conn, error) {
	select {
	case <-s.retired:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-s.from.conns:
		plain(c).server = s
		s.open.Add(1)
		return c, nil
	case <-s.retired:
		return nil, net.ErrClosed
	}
}

// Close stops Accept.
func (s *server) Close() error {
	s.once.Do(func() { close(s.retired) })
	return nil
}

// Addr is the address of the socket.
func (s *server) Addr() net.Addr { return s.from.Addr() }

// startLocked puts a new server in the place of the newest.
func (l *Listener) startLocked() {
	p := l.policy.Load()
	next := &server{http: l.configure(p.Settings), from: l, retired: make(chan struct{})}
	l.running.Go(func() {
		_ = next.http.Serve(next)
		next.ended.Store(true)
	})
	for _, old := range l.servers {
		_ = old.Close()
	}
	kept := slices.DeleteFunc(slices.Clone(l.servers), func(old *server) bool { return old.ended.Load() && old.open.Load() == 0 })
	l.servers = append(kept, next)
}

// slop is what net/http adds to MaxHeaderBytes.
const slop = 4096

func (l *Listener) configure(s Settings) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(s.TLS != nil)
	protocols.SetUnencryptedHTTP2(s.H2C)
	srv := &http.Server{
		Handler:                      l.wrap(l.handler),
		ReadHeaderTimeout:            s.ReadHeader,
		IdleTimeout:                  s.Idle,
		MaxHeaderBytes:               int(s.MaxHeader - slop),
		DisableGeneralOptionsHandler: true,
		Protocols:                    &protocols,
		HTTP2:                        l.http2(),
		ConnContext:                  withPeer,
		ConnState:                    watch,
		ErrorLog:                     l.trouble,
	}
	if s.TLS != nil {
		srv.TLSConfig = &tls.Config{NextProtos: []string{"h2"}} // handshakes go by another one, but by this HTTP/2 is prepared
	}
	harden(srv)
	return srv
}

// http2 gives the limits that Envoy recommends for the edge, and a check of silent connections.
func (l *Listener) http2() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          100,
		MaxReadFrameSize:              16 << 10, // more than a stream's window would be a promise that cannot be kept
		MaxReceiveBufferPerStream:     64 << 10,
		MaxReceiveBufferPerConnection: 1 << 20,
		SendPingTimeout:               30 * time.Second,
		PingTimeout:                   15 * time.Second,
		WriteByteTimeout:              30 * time.Second,
		CountError:                    func(string) { l.tally.http2Errors.Add(1) },
	}
}

// errorLog takes what net/http has to say: at most a message a second, and as an attribute, since it quotes clients.
type errorLog struct {
	log   *slog.Logger
	quiet throttle
}

const longestDetail = 4 << 10

// Write logs one message.
func (e *errorLog) Write(line []byte) (int, error) {
	detail := string(bytes.TrimSpace(line[:min(len(line), longestDetail)]))
	if bytes.HasPrefix(line, []byte("http: panic serving")) {
		e.log.Error("panic while serving a request", "detail", detail)
		return len(line), nil
	}
	if missed, ok := e.quiet.allow(time.Now()); ok {
		e.log.Warn("connection trouble", "detail", detail, "times_before", missed)
	}
	return len(line), nil
}
