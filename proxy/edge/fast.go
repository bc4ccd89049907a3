package edge

import (
	"fmt"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

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
	// Home is for the handler to keep what stands for the client of HomeOf from one request to the next.
	Home   string
	HomeOf netip.Addr
	// Path is the target's path, Query the rest of it, with the question mark.
	Path, Query string

	from   *Listener
	conn   *conn
	peer   netip.Addr
	state  atomic.Uint32
	answer answer
	// told is what Forwarded wrote last, and for which host.
	told             []byte
	toldHost, toldAs string
}

// The states of a connection.
const (
	waiting uint32 = iota // for a request
	serving
	leaving // nobody may begin another request
)

func (p *policy) fast() bool { return p.Fast && p.TLS == nil && !p.H2C && http1.Supported }

// serveFast serves one connection until it ends or goes over to the standard lane.
func (l *Listener) serveFast(c *conn) {
	f := &Fast{from: l, conn: c, peer: addrOf(c.RemoteAddr())}
	f.answer.f = f
	if err := f.Take(c.TCPConn); err != nil || !l.crowd.join(f) {
		_ = c.Close()
		return
	}
	standard := false
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("panic while serving a request", "detail", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		f.End()
		l.crowd.part(f)
		if standard {
			f.handOver()
			return
		}
		_ = f.Close()
		_ = c.Close()
	}()
	standard = f.serve()
}

// serve serves one request after the other; true if the standard lane is to go on.
func (f *Fast) serve() (standard bool) {
	for {
		p := f.from.policy.Load()
		n, err := f.await(p)
		if err != nil {
			f.refuseHead(err)
			return false
		}
		if n == 0 {
			return false
		}
		switch v := f.screen(p); v {
		case toFast:
		case toStandard:
			return true
		default:
			f.refuseHead(http1.ErrHost)
			return false
		}
		f.begin(n, p)
		if !f.from.fast.ServeFast(f) {
			f.Unread(n)
			return true
		}
		if !f.finish(p) {
			return false
		}
	}
}

func (f *Fast) begin(n int, p *policy) {
	f.Begin(n)
	f.Patience, f.Stall = p.Read, p.Write
	f.Client = identify(Client{Addr: f.peer, Peer: f.peer, Scheme: "http", Host: f.Host}, &f.Fields, p)
	f.answer.reset()
	if f.from.leaving.Load() {
		f.Last = true
	}
}

// await waits for a request's head and parses it. 0 without an error: there is none, and nobody wants an answer.
func (f *Fast) await(p *policy) (n int, err error) {
	if len(f.Buffered()) == 0 {
		now := http1.Now()
		f.ReadBy(now+p.Idle, now+p.Idle+http1.Slack(p.Idle))
		f.Rest()
		if f.Fill() != nil {
			return 0, nil
		}
	}
	if !f.state.CompareAndSwap(waiting, serving) {
		return 0, nil
	}
	until := time.Duration(0)
	for seen := 0; ; {
		if newLine(f.Buffered()[seen:]) {
			n, err = http1.ParseRequest(f.Buffered(), &f.Request, maxFields)
		}
		switch seen = len(f.Buffered()); {
		case err != nil:
			return 0, err
		case n > int(p.MaxHeader) || n == 0 && seen > int(p.MaxHeader):
			return 0, http1.ErrTooLarge
		case n > 0:
			return n, nil
		}
		if until == 0 {
			until = http1.Now() + p.ReadHeader
		}
		f.ReadBy(until, until)
		switch err := f.Fill(); {
		case err == http1.ErrTooLarge:
			return 0, err
		case err != nil:
			return 0, nil
		}
	}
}

func newLine(b []byte) bool {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '\n' {
			return true
		}
	}
	return false
}

// smallRest is how much of a body that nobody wants is read so that the connection can go on.
const smallRest = 256 << 10

// finish ends a request, and reports whether another one may come.
func (f *Fast) finish(p *policy) bool {
	if f.Cut {
		return false
	}
	if !f.Last && !f.Body.Whole() && !f.discard() {
		f.Last = true
	}
	if f.Last {
		f.linger()
		return false
	}
	f.End()
	return f.state.CompareAndSwap(serving, waiting)
}

// discard reads what is left of a small body.
func (f *Fast) discard() bool {
	if f.Body.Left() > smallRest {
		return false
	}
	for read := 0; ; {
		piece, err := f.Body.Next()
		if read += len(piece); err != nil || read > smallRest {
			return false
		}
		if f.Body.Whole() {
			return true
		}
		if len(piece) > 0 {
			continue
		}
		now := http1.Now()
		f.ReadBy(now+f.Patience, now+f.Patience+http1.Slack(f.Patience))
		if f.Fill() != nil {
			return false
		}
	}
}

// lingerAfter is how long what the client still sends is taken after the last answer: closing at once would reset the connection before
// the client has read the answer (RFC 9112, section 9.6).
const lingerAfter = 500 * time.Millisecond

func (f *Fast) linger() {
	if f.Body.Whole() && len(f.Buffered()) == 0 && f.Peek() == http1.Quiet {
		return
	}
	if f.conn.CloseWrite() != nil {
		return
	}
	until := http1.Now() + lingerAfter
	f.ReadBy(until, until)
	for {
		f.Skip(len(f.Buffered()))
		if f.Fill() != nil {
			return
		}
	}
}

// handOver gives the connection to the standard lane, with what was read of it.
func (f *Fast) handOver() {
	f.conn.before = append([]byte(nil), f.Buffered()...)
	f.Skip(len(f.Buffered()))
	f.Rest()
	f.Unbound()
	f.from.toStandard(f.conn)
}

// Forwarded writes the fields that tell the backend who asks, and drops those that they replace.
func (f *Fast) Forwarded(dst []byte, pseudonym string) []byte {
	if f.Client.Trusted || f.Has("Via") {
		return appendForwarded(dst, &f.Fields, f.Client, pseudonym)
	}
	// They depend on nothing but the host, and a client seldom changes that.
	if f.told == nil || f.toldHost != f.Host || f.toldAs != pseudonym {
		f.told = appendForwarded(f.told[:0], &f.Fields, f.Client, pseudonym)
		f.toldHost, f.toldAs = strings.Clone(f.Host), pseudonym
	}
	return append(dst, f.told...)
}

// Sanitize removes what the client has no right to say.
func (f *Fast) Sanitize() {
	for i := range f.Len() {
		if name, _ := f.At(i); forbidden(name, f.Client.Trusted) {
			f.Drop(i)
		}
	}
}
