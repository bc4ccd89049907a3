package edge

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"triage/proxy/shortage"
)

// Listener is one bound socket and what is served on it.
type Listener struct {
	tcp  *net.TCPListener
	gate *gate
	// conns hands accepted connections to the newest server.
	conns chan net.Conn
	done  chan struct{}
	// policy is what each request reads.
	policy  atomic.Pointer[policy]
	buffers sync.Pool
	tally   tally
	floods  throttle
	crowded throttle
	// strangers is for those who do not say for whom they connect.
	strangers throttle
	crowd     crowd
	// leaving is set when no more connections are taken: every answer then asks its client to close.
	leaving atomic.Bool

	mu      sync.Mutex
	closed  bool
	handler http.Handler
	// fast is the handler as one of the fast lane, nil if it is none.
	fast FastHandler
	log  *slog.Logger
	// trouble is where net/http says what it has to say.
	trouble *log.Logger
	// servers are the running ones, the newest last. The older ones have connections left from before an Update.
	servers []*server
	running sync.WaitGroup
}

// policy is what may change from one request to the next.
type policy struct {
	Settings
	secure *secure // nil without TLS
}

// tally counts what Snapshot shows.
type tally struct {
	accepted, acceptErrors, refused, http2Errors, floods    atomic.Uint64
	tooMany, unintroduced, slowHeader, forRoom, forShortage atomic.Uint64
}

// Snapshot is the listener's state.
type Snapshot struct {
	// Connections are open now, hijacked ones included; Limit is how many may be.
	Connections, Limit int
	// Accepted counts connections, Waited how often accepting waited because of Limit.
	Accepted, Waited uint64
	// AcceptErrors counts failed accepts, as with a full table of file descriptors.
	AcceptErrors uint64
	// Refused counts requests that were answered here: 400, 405, 431, 505.
	Refused uint64
	// HTTP2Errors counts protocol errors of HTTP/2 clients.
	HTTP2Errors uint64
	// Floods counts connections that were closed because they cost more than their requests do.
	Floods uint64
	// TooMany counts connections that were refused because their client had as many as one may have, SlowHeader those whose header was not there
	// in time, ForRoom idle ones that were closed when there was no room for others, ForShortage those closed while the process was short of
	// something.
	TooMany, SlowHeader, ForRoom, ForShortage uint64
	// Unintroduced counts connections that were refused for want of a PROXY header.
	Unintroduced uint64
}

// Listen binds the address and reads the certificate. Nothing is accepted before Serve.
func Listen(s Settings) (*Listener, error) {
	p, err := newPolicy(s)
	if err != nil {
		return nil, fmt.Errorf("listening on %q: %w", s.Address, err)
	}
	tcp, err := bind(s.Address)
	if err != nil {
		return nil, fmt.Errorf("listening on %q: %w", s.Address, err)
	}
	return newListener(tcp, p), nil
}

func newListener(tcp *net.TCPListener, p *policy) *Listener {
	l := &Listener{tcp: tcp, gate: newGate(p.MaxConnections, p.PerClient), conns: make(chan net.Conn), done: make(chan struct{})}
	l.buffers.New = func() any { return new([copyBuffer]byte) }
	l.policy.Store(p)
	return l
}

func newPolicy(s Settings) (*policy, error) {
	s, err := s.complete()
	if err != nil {
		return nil, err
	}
	p := &policy{Settings: s}
	if s.TLS != nil {
		if p.secure, err = newSecure(*s.TLS); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func bind(address string) (*net.TCPListener, error) {
	lc := net.ListenConfig{}
	// Multipath TCP, Go's default, costs on every connection and gains nothing beside the backend.
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w; want a port that nothing else listens on", err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%w; want a port from 1024, or the capability CAP_NET_BIND_SERVICE", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%w; want an address of this machine", err)
	case err != nil:
		return nil, err
	}
	return ln.(*net.TCPListener), nil
}

// Serve accepts connections and blocks until Shutdown or Close, then gives http.ErrServerClosed. It may be called once.
func (l *Listener) Serve(h http.Handler, out *slog.Logger) error {
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return http.ErrServerClosed
	case l.handler != nil:
		l.mu.Unlock()
		return fmt.Errorf("serving on %s: it is being served already", l.Addr())
	}
	l.handler, l.log = h, out
	l.trouble = log.New(&errorLog{log: out}, "", 0)
	l.fast, _ = h.(FastHandler)
	l.startLocked()
	l.mu.Unlock()

	l.running.Go(l.relieve)
	err := l.accept(out)
	if !errors.Is(err, http.ErrServerClosed) {
		err = errors.Join(err, l.Close())
	}
	l.running.Wait()
	return err
}

// Shutdown stops accepting and lets requests under way end. A kept connection has lingerFor to send one more request, whose answer asks the
// client to close it: a client that is about to use a connection would lose its request if it were closed at once. When ctx
// ends first Shutdown gives its error, and Close does the rest.
func (l *Listener) Shutdown(ctx context.Context) error { return l.Leave(ctx, lingerFor) }

// Leave is Shutdown with another time for kept connections: where somebody else serves the socket already, there is no hurry.
func (l *Listener) Leave(ctx context.Context, linger time.Duration) error {
	l.linger(ctx, linger)
	return errors.Join(l.stop(func(s *server) error { return s.http.Shutdown(ctx) }), l.crowd.leave(ctx))
}

const (
	// backlogFor is how long connections are still accepted that the kernel has accepted already, or they would be reset.
	backlogFor = 20 * time.Millisecond
	lingerFor  = time.Second
	lingerPoll = 5 * time.Millisecond
)

func (l *Listener) linger(ctx context.Context, linger time.Duration) {
	l.mu.Lock()
	serving := l.handler != nil && !l.closed
	l.mu.Unlock()
	if !serving || l.leaving.Swap(true) {
		return
	}
	_ = l.tcp.SetDeadline(time.Now().Add(backlogFor))
	poll := time.NewTicker(lingerPoll)
	defer poll.Stop()
	until := time.Now().Add(backlogFor + linger)
	for begun := time.Now(); time.Since(begun) < backlogFor || l.Connections() > 0 && time.Now().Before(until); {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

// Close stops accepting and closes all connections that were not hijacked.
func (l *Listener) Close() error {
	defer l.crowd.cut()
	return l.stop(func(s *server) error { return s.http.Close() })
}

func (l *Listener) stop(end func(*server) error) error {
	l.mu.Lock()
	servers := l.servers
	var err error
	if !l.closed {
		l.closed = true
		close(l.done)
		if err = l.tcp.Close(); errors.Is(err, net.ErrClosed) {
			err = nil // accepting has ended by itself
		}
	}
	l.mu.Unlock()

	for _, c := range l.gate.unserved() {
		_ = c.Close()
	}
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { errs[i] = end(s) })
	}
	wg.Wait()
	return errors.Join(append(errs, err)...)
}

// Update puts new settings in force. Address, and whether there is TLS, cannot change. When it fails, nothing has changed.
func (l *Listener) Update(s Settings) error {
	next, err := newPolicy(s)
	if err != nil {
		return fmt.Errorf("updating the listener on %s: %w", l.Addr(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.policy.Load()
	if next.Address != old.Address {
		return fmt.Errorf("updating the listener on %s: the address changes from %q to %q; want a new listener", l.Addr(), old.Address, next.Address)
	}
	if (next.TLS == nil) != (old.TLS == nil) {
		return fmt.Errorf("updating the listener on %s: TLS cannot be turned on or off; want a new listener", l.Addr())
	}
	l.policy.Store(next)
	l.gate.setLimits(next.MaxConnections, next.PerClient)
	if l.handler != nil && !l.closed && !next.sameServer(old.Settings) {
		l.startLocked()
	}
	return nil
}

// Addr is the bound address.
func (l *Listener) Addr() net.Addr { return l.tcp.Addr() }

// Connections is the number of open connections.
func (l *Listener) Connections() int {
	open, _, _ := l.gate.state()
	return open
}

// Snapshot is a copy of the counters.
func (l *Listener) Snapshot() Snapshot {
	open, limit, waited := l.gate.state()
	return Snapshot{
		Connections:  open,
		Limit:        limit,
		Waited:       waited,
		Accepted:     l.tally.accepted.Load(),
		AcceptErrors: l.tally.acceptErrors.Load(),
		Refused:      l.tally.refused.Load(),
		HTTP2Errors:  l.tally.http2Errors.Load(),
		Floods:       l.tally.floods.Load(),
		TooMany:      l.tally.tooMany.Load(),
		Unintroduced: l.tally.unintroduced.Load(),
		SlowHeader:   l.tally.slowHeader.Load(),
		ForRoom:      l.tally.forRoom.Load(),
		ForShortage:  l.tally.forShortage.Load(),
	}
}

// short is what the process is short of.
func (l *Listener) short() *shortage.Watch { return l.policy.Load().Shortage }

func (p *policy) trusts(addr netip.Addr) bool { return contains(p.TrustedProxies, addr) }

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range networks {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// throttle lets one message a second through.
type throttle struct {
	mu     sync.Mutex
	last   time.Time
	missed int
}

// allow reports whether to speak now, and how often it was not allowed since the last time.
func (t *throttle) allow(now time.Time) (missed int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.last) < time.Second {
		t.missed++
		return 0, false
	}
	missed, t.missed, t.last = t.missed, 0, now
	return missed, true
}
