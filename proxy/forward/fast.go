package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"triage/proxy/http1"
	"triage/proxy/reason"
)

// FastTarget is where an exchange of the fast lane goes.
type FastTarget struct {
	// URL has the host of the endpoint; its scheme is http.
	URL                      *url.URL
	Timeout                  time.Duration
	BodyLimit, ResponseLimit int64
	// Path and Query are what the endpoint is asked for, Query with its question mark.
	Path, Query string
	// Extra are fields to add, as they go on the wire.
	Extra []byte
	// Timing are fields to add to the response, which Look may set.
	Timing []byte
	Hooks  Hooks
}

// Hooks is who wants to know about an exchange; the methods are those of Target.
type Hooks interface {
	OnHeader(status int, clientWait time.Duration)
	// Look is shown the fields of the final response header before it is passed on, and says whether the client's connection is to be closed.
	Look(*http1.Fields) (last bool)
	Connected(time.Duration)
	SlowBody()
	WholeBody(context.Context) reason.Reason
}

const (
	// lookEvery is how often somebody who waits for one side looks after the other: whether a client that is waited for an answer is still
	// there, whether an endpoint that is sent a body has answered already.
	lookEvery = 50 * time.Millisecond
	// maxResponseFields is how many fields a response may have.
	maxResponseFields = 500
)

var (
	errGone  = errors.New("the client has left")
	errReply = errors.New("the endpoint answers before it has the whole request")
)

// Carrier carries one exchange of the fast lane after the other. Everything in it is done by one goroutine, but for a pump that ends before
// the exchange does.
type Carrier struct {
	f    *Forwarder
	c    *http1.Call
	to   *FastTarget
	peer *http1.Peer
	pool *http1.Pool
	out  Outcome

	begun time.Duration
	// now is the time, as long as nobody has waited since it was read.
	now time.Duration
	// wait is the time that was spent waiting for the client's body, wanted since when it is wanted.
	wait, wanted time.Duration
	slow         bool
	// sent is set when bytes of the request may have left, answered when bytes of an answer have come.
	sent, answered bool
	// early is set when the endpoint answers before it has the whole request.
	early bool
	// ready is the request as far as it was to be sent first, until it was; unsent what was left of its last piece when the answer began.
	ready, unsent []byte
	pump          *pump
}

// Carry is Forward for the fast lane: it carries the request of a call over to an endpoint and the answer back, by connections of its own,
// in the goroutine of its caller. The law is that of the package comment.
func (x *Carrier) Carry(f *Forwarder, c *http1.Call, to *FastTarget) Outcome {
	now := http1.Now()
	*x = Carrier{f: f, c: c, to: to, begun: now, now: now, pool: f.pools.of(to.URL, f.settings.IdleConnections)}
	if to.BodyLimit > 0 && c.Length > to.BodyLimit {
		x.fail(reason.BodyTooLarge, errTooLarge)
		return x.outcome()
	}
	x.compose()
	defer x.abandon()
	for fresh := false; ; fresh = true {
		if !x.connect(fresh) {
			break
		}
		again := x.exchange()
		x.release()
		if !again {
			break
		}
	}
	return x.outcome()
}

// exchange sends the request and passes the answer on. True: the connection was stale, and the request may be sent again.
func (x *Carrier) exchange() (again bool) {
	x.sent, x.answered = false, false
	if err := x.upload(); err != nil && !x.replies(err) {
		return x.broke(err)
	}
	if err := x.await(); err != nil {
		return x.broke(err)
	}
	x.pass()
	return false
}

// replies reports whether an upload was ended by an answer.
func (x *Carrier) replies(err error) bool {
	if errors.Is(err, errReply) {
		x.early = true
	}
	return x.early
}

// connect takes an idle connection or makes one.
func (x *Carrier) connect(fresh bool) bool {
	if !fresh {
		if x.peer = x.pool.Get(x.now); x.peer != nil {
			x.c.Settle() // it may have waited to be let in, with somebody to look out for the client
			return true
		}
	}
	ctx, cancel := x.dialing()
	raw, err := x.f.connect(ctx, "tcp", hostPort(x.to.URL))
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)
	cancel()
	x.c.Settle()
	before := x.now
	x.now = http1.Now()
	x.to.Hooks.Connected(x.now - before)
	if err == nil {
		if x.peer, err = http1.NewPeer(raw.(*net.TCPConn)); err == nil {
			return true
		}
		closeQuietly(raw)
	}
	var dial *dialError
	switch {
	case x.c.Err() != nil:
		x.fail(reason.ClientGone, errGone)
	case late:
		x.fail(reason.ConnectTimeout, fmt.Errorf("no connection: %w", errTimeout))
	case errors.As(err, &dial):
		x.fail(dial.why, err)
	default:
		x.fail(reason.Internal, err)
	}
	return false
}

// dialing is the context of a connection that is being made: it ends with the route's timeout or the client. The call itself is none for
// it, for who derives a context from another one may look at that one later, from another goroutine.
func (x *Carrier) dialing() (context.Context, context.CancelFunc) {
	limit := x.to.Timeout
	if limit <= 0 {
		limit = x.f.settings.ConnectTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	gone := x.c.Done()
	go func() {
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

// release keeps the connection for the next request if nothing is wrong with it: the request was sent, the answer was read, and neither
// side wants to end.
func (x *Carrier) release() {
	if x.peer == nil {
		return
	}
	reusable := x.out.Reason == reason.None && x.out.Started && !x.early && x.c.Body.Whole() && x.peer.Body.Whole() && !x.peer.Response.Closes
	x.pump.stop()
	if reusable {
		x.pool.Put(x.peer, x.now)
	} else {
		closeQuietly(x.peer)
	}
	x.peer = nil
}

// abandon closes the connection if somebody has panicked while it was used: nobody knows where it stands.
func (x *Carrier) abandon() {
	if x.peer == nil {
		return
	}
	x.pump.stop()
	closeQuietly(x.peer)
	x.peer = nil
}

// compose writes the request's head into the call's buffer.
func (x *Carrier) compose() {
	c := x.c
	b := c.Out[:0]
	b = append(append(b, c.Method...), ' ')
	b = append(append(b, x.to.Path...), x.to.Query...)
	b = http1.AppendField(append(b, " HTTP/1.1\r\n"...), "Host", c.Host)
	for i := range c.Fields.Len() {
		name, value := c.At(i)
		if name == "" || ofThisHop(name) || c.Request.Options && c.Named(name) && !added(http.CanonicalHeaderKey(name)) {
			continue
		}
		b = http1.AppendField(b, name, value)
	}
	b = append(b, x.to.Extra...)
	if c.HasElement("Te", "trailers") {
		b = append(b, "Connection: TE\r\nTE: trailers\r\n"...)
	}
	switch {
	case c.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case c.Length > 0 || c.Method == http.MethodPost || c.Method == http.MethodPut || c.Method == http.MethodPatch:
		b = appendLength(b, c.Length)
	}
	c.Out = append(b, "\r\n"...)
}

// outcome sums up.
func (x *Carrier) outcome() Outcome {
	x.out.Began = http1.At(x.begun)
	x.out.Sent = x.out.Status != 0 || x.sent || x.out.Sent
	if x.out.Status == 0 {
		x.out.ClientWait = x.wait
	}
	if !x.c.Body.Whole() && x.out.Started {
		x.c.Last = true
	}
	if x.out.Abort {
		x.c.Cut = true
	}
	return x.out
}
