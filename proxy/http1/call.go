package http1

import (
	"context"
	"time"
)

// Call is a client's connection and the request that is being served on it. It is also the request's context: it ends when the client
// leaves, and looks out for that only while somebody waits for it.
type Call struct {
	Conn
	Request
	Body Body
	// HeadBytes is the length of the request's head.
	HeadBytes int
	// Out is a buffer for what goes to the client or the endpoint.
	Out []byte
	// Patience is how long the client may stand still now while its body is read, see Bear; Stall while it is written to.
	Patience, Stall time.Duration
	patience        patience
	// Last is set when the connection is to be closed after the answer, Cut when it is to be closed at once: the answer broke off.
	Last, Cut bool
	// Awaits is set while the client waits to be told to send its body (RFC 9110, section 10.1.1). Whoever answers without that does not know
	// whether the body comes all the same, so until then the connection is to be closed afterwards.
	Awaits bool

	watching chan struct{} // closed when the watcher has ended; nil if there is none
	gone     chan struct{} // closed when the client has left
	left     bool
}

// Take makes c a call on a connection of which nothing is read. What was there of it for another one is used again.
func (c *Call) Take(s Socket) {
	c.watching, c.gone, c.left = nil, nil, false
	c.Conn.Reset(s)
}

// Leave lets go of a connection of which nothing is read, or whose rest nobody wants. What is written goes into the same buffer again, unless
// it has grown.
func (c *Call) Leave() {
	c.drop()
	if cap(c.Out) > smallBuffer {
		Release(c.Out)
		c.Out = nil
	}
	c.Socket = Socket{}
}

// Begin begins with the request whose head is n bytes of what is buffered. Its texts stay good until End.
func (c *Call) Begin(n int) {
	c.Skip(n)
	c.Pin()
	c.Body.Reset(&c.Conn, c.Request.Framing)
	c.Awaits = !c.Request.Framing.Empty() && c.Request.Minor == 1 && c.Has("Expect")
	c.Last, c.Cut, c.HeadBytes = c.Request.Closes, false, n
	if c.Out == nil {
		c.Out = Buffer()
	}
}

// Ends reports whether the connection is to be closed after the answer.
func (c *Call) Ends() bool { return c.Last || c.Awaits }

// Continue tells a client that waits for it to send its body.
func (c *Call) Continue() error {
	if !c.Awaits {
		return nil
	}
	c.Awaits = false
	_, err := c.Send(goOn)
	return err
}

var goOn = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// End lets go of the request.
func (c *Call) End() {
	c.Settle()
	c.Unpin()
}

// piece is the most that is written under one deadline; so it is also the slowest a client may be.
const piece = 64 << 10

// Slack is how much later than it must a deadline may come, so that it need not be moved all the time.
func Slack(limit time.Duration) time.Duration { return min(limit/4, time.Second) }

// Send writes to the client. It says how much of p went out.
func (c *Call) Send(p []byte) (sent int, err error) { return c.SendAt(Now(), p) }

// SendAt is Send for who knows the time.
func (c *Call) SendAt(now time.Duration, p []byte) (sent int, err error) {
	for len(p) > 0 {
		c.WriteBy(now+c.Stall, now+c.Stall+Slack(c.Stall))
		n, err := c.Write(p[:min(len(p), piece)])
		sent += n
		if err != nil {
			return sent, err
		}
		if p = p[n:]; len(p) > 0 {
			now = Now()
		}
	}
	return sent, nil
}

// Settle ends looking out for the client, so that the connection can be read.
func (c *Call) Settle() {
	if c.watching == nil {
		return
	}
	c.Hurry(0)
	<-c.watching
	c.watching = nil
	c.slot.read.until.Store(0)
	select {
	case <-c.gone:
		c.left = true
	default:
	}
}

// Gone reports whether the client has left, as far as is known without reading on.
func (c *Call) Gone() bool {
	if c.watching == nil && !c.left {
		c.left = c.Peek() == Ended
	}
	return c.Err() != nil
}

// Deadline is part of context.Context: there is none.
func (c *Call) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value is part of context.Context: there is none.
func (c *Call) Value(any) any { return nil }

// Err is part of context.Context: it tells that the client has left.
func (c *Call) Err() error {
	if c.left {
		return context.Canceled
	}
	if c.watching != nil {
		select {
		case <-c.gone:
			return context.Canceled
		default:
		}
	}
	return nil
}

// Done is part of context.Context. From the first call until Settle a goroutine looks out for the client to leave.
func (c *Call) Done() <-chan struct{} {
	if c.watching != nil {
		return c.gone
	}
	c.gone, c.watching = make(chan struct{}), make(chan struct{})
	if c.left {
		close(c.gone)
	}
	if c.left || c.r < c.w { // it has sent more, and what is behind that cannot be seen
		close(c.watching)
		return c.gone
	}
	c.slot.read.until.Store(0)
	go c.watch(c.gone, c.watching)
	return c.gone
}

// watch waits for the client to send more, or to leave.
func (c *Call) watch(gone, ended chan struct{}) {
	defer close(ended)
	for {
		switch c.look() {
		case Ended:
			close(gone)
			return
		case Data:
			return
		}
		if c.slot.wait(&c.slot.read) != nil {
			return
		}
	}
}
