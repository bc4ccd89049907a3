package edge

import (
	"fmt"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"triage/proxy/http1"
)

// FastHandler is a handler that also takes requests of the fast lane.
type FastHandler interface {
	// ServeFast serves a request. False says that it is none for this lane and that nothing has been done about it: the standard lane is
	// to have it.
	ServeFast(*Fast) bool
}

// Fast is a client's connection in the fast lane, and the request that is being served on it.
type Fast struct {
	http1.Call
	// Client says who asks.
	Client Client
	// Kept is for the handler to keep what it uses for one request after the other, of whatever client.
	Kept any
	// Path is the target's path, Query the rest of it, with the question mark.
	Path, Query string

	from *Listener
	line *line
	// fresh is set while nothing has come since the connection or its last request began.
	fresh  bool
	answer answer
	// told is what Forwarded wrote last, for whom, for which host and by which name.
	told, toldHost []byte
	toldOf         netip.Addr
	toldAs         string
}

// line is a connection of the fast lane: all there is of one that waits for a request.
type line struct {
	http1.Socket
	conn  *conn
	peer  netip.Addr
	state atomic.Uint32
	// begun is set when something has come.
	begun bool
}

// Awake goes on with a connection that something has come on, or whose time is over.
func (k *line) Awake() { workers.serve(k) }

// The states of a connection.
const (
	waiting uint32 = iota // for a request
	serving
	leaving // it is closed after what has come
)

func (p *policy) fast() bool { return p.Fast && p.TLS == nil && !p.H2C && http1.Supported }

// serveFast serves a new connection.
func (l *Listener) serveFast(c *conn) {
	k := &line{conn: c, peer: addrOf(c.RemoteAddr())}
	var err error
	if k.Socket, err = http1.Take(c.TCPConn, k); err != nil {
		l.toStandard(c) // there are hardly any descriptors left
		return
	}
	c.TCPConn = nil
	c.serveBy(k)
	if !l.crowd.join(k) {
		k.end()
		return
	}
	l.visit(k, true)
}

// end closes the connection.
func (k *line) end() {
	_ = k.Socket.Close()
	_ = k.conn.Close()
}

// fasts are used again by other connections.
var fasts = sync.Pool{New: func() any { return new(Fast) }}

// next says what comes after a connection was served.
type next uint8

const (
	ends     next = iota // it is closed
	sleeps               // it waits for a request
	goesOver             // the standard lane goes on
)

// visit serves a connection as long as requests come. One that waits has no goroutine and no buffer.
func (l *Listener) visit(k *line, fresh bool) {
	for {
		f := fasts.Get().(*Fast)
		f.from, f.line, f.fresh = l, k, fresh
		f.answer.f = f
		f.Take(k.Socket)
		switch then, before := f.visit(); then {
		case sleeps:
			if k.Sleep() {
				return
			}
			fresh = false
		case goesOver:
			l.crowd.part(k)
			l.handOver(k, before)
			return
		default:
			l.crowd.part(k)
			k.end()
			return
		}
	}
}

// visit serves what there is, and lets go of the connection. before is what was read and belongs to the standard lane.
func (f *Fast) visit() (then next, before []byte) {
	defer func() {
		if p := recover(); p != nil {
			f.from.log.Error("panic while serving a request", "detail", fmt.Sprint(p), "stack", string(debug.Stack()))
			then = ends
		}
		f.End()
		if then == goesOver {
			before = append(before, f.Buffered()...)
		}
		f.Leave()
		f.from, f.line = nil, nil
		fasts.Put(f)
	}()
	return f.serve(), nil
}

// serve serves one request after the other.
func (f *Fast) serve() next {
	for {
		p := f.from.policy.Load()
		n, err := f.await(p)
		switch {
		case err == errNothing:
			return sleeps
		case err != nil:
			f.refuseHead(err)
			return ends
		case n == 0:
			return ends
		}
		switch v := f.screen(p); v {
		case toFast:
		case toStandard:
			return goesOver
		default:
			f.refuseHead(http1.ErrHost)
			return ends
		}
		f.begin(n, p)
		if !f.from.fast.ServeFast(f) {
			f.Unread(n)
			return goesOver
		}
		if !f.finish(p) {
			return ends
		}
	}
}

func (f *Fast) begin(n int, p *policy) {
	f.Begin(n)
	f.Bear(p.Shortage.Scale(p.Read, bodyFloor), p.BodyRate)
	f.Stall = p.Shortage.Scale(p.Write, bodyFloor)
	f.Client = identify(Client{Addr: f.line.peer, Peer: f.line.peer, Scheme: "http", Host: f.Host}, &f.Fields, p)
	f.answer.reset()
	if f.from.leaving.Load() || f.line.state.Load() == leaving {
		f.Last = true
	}
}

// handOver gives a connection to the standard lane, with what was read of it.
func (l *Listener) handOver(k *line, before []byte) {
	var err error
	if k.conn.TCPConn, err = k.Give(); err != nil {
		l.log.Error("a connection is lost on its way to the standard lane", "error", err)
		_ = k.conn.Close()
		return
	}
	k.conn.before = before
	k.conn.serveBy(nil)
	l.toStandard(k.conn)
}

// Forwarded writes the fields that tell the backend who asks, and drops those that they replace.
func (f *Fast) Forwarded(dst []byte, pseudonym string) []byte {
	c := &f.Client
	for i := range hop {
		if f.Has(hop[i].name) {
			return appendForwarded(dst, &f.Fields, *c, pseudonym)
		}
	}
	// Where nobody has said anything they depend on nothing but the client and its host, and these seldom change.
	if f.told == nil || f.toldOf != c.Peer || string(f.toldHost) != c.Host || f.toldAs != pseudonym {
		f.told = appendForwarded(f.told[:0], &f.Fields, *c, pseudonym)
		f.toldOf, f.toldHost, f.toldAs = c.Peer, append(f.toldHost[:0], c.Host...), pseudonym
	}
	return append(dst, f.told...)
}

// Sanitize removes what the client has no right to say; see the function of the same name.
func (f *Fast) Sanitize(decisive []string) bool {
	for i := range f.Len() {
		switch name, _ := f.At(i); judge(name, f.Client.Trusted, decisive) {
		case dropped:
			f.Drop(i)
		case twin:
			return false
		}
	}
	return true
}
