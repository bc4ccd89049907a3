package edge

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// The PROXY protocol (HAProxy's specification, versions 1 and 2): a balancer that passes bytes on says first for whom. Who may do so has to,
// and nobody else is heard: to everybody else these bytes are no HTTP and no TLS, and are refused as such.

const (
	// leastIntroduction is the length of the shortest header there is, "PROXY UNKNOWN\r\n".
	leastIntroduction = 15
	// mostLine is that of the longest of version 1, by its specification.
	mostLine = 107
	// mostIntroduction is how long one of version 2 may be, with what balancers add: names, addresses, certificates' subjects.
	mostIntroduction = 4 << 10
)

var errUnintroduced = errors.New("the connection does not begin with a PROXY header")

// introducedBy reports whether the peer has to say for whom it connects.
func (p *policy) introducedBy(peer netip.Addr) bool { return contains(p.ProxyProtocol, peer) }

// introduce reads for whom a balancer connects, and goes on with the connection as that client's.
func (l *Listener) introduce(c *conn, p *policy) {
	c.mark.Store(-markNow())
	select {
	case <-l.done: // who closes the others may have looked before this one was there
		_ = c.Close()
		return
	default:
	}
	if err := c.hear(p.ReadHeader); err != nil {
		l.unheard(c, err)
		_ = c.Close()
		return
	}
	if !l.gate.recount(c, l.countedAs(c, p)) {
		l.tooMany(c, p)
		_ = c.Close()
		return
	}
	c.introducing.Store(false)
	c.mark.Store(0)
	l.begin(c, p)
}

// hear reads the header within a time.
func (c *conn) hear(within time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	head, err := introduction(c.TCPConn)
	if err != nil {
		return err
	}
	if c.source, err = sourceOf(head); err != nil {
		return err
	}
	return c.SetReadDeadline(time.Time{})
}

// introduction reads a header and nothing of what comes behind it, which another may have to read.
func introduction(from io.Reader) ([]byte, error) {
	head := make([]byte, leastIntroduction, mostLine+1)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	more := func(n int) error {
		head = append(head, make([]byte, n)...)
		_, err := io.ReadFull(from, head[len(head)-n:])
		return err
	}
	switch {
	case bytes.HasPrefix(head, proxyproto.SIGV1):
		for head[len(head)-1] != '\n' {
			if len(head) == mostLine {
				return nil, proxyproto.ErrVersion1HeaderTooLong
			}
			if err := more(1); err != nil {
				return nil, err
			}
		}
		return head, nil
	case bytes.HasPrefix(head, proxyproto.SIGV2):
		if err := more(1); err != nil {
			return nil, err
		}
		length := int(binary.BigEndian.Uint16(head[14:]))
		if length > mostIntroduction {
			return nil, fmt.Errorf("a PROXY header with %d bytes of addresses; want %d at most", length, mostIntroduction)
		}
		return head, more(length)
	}
	return nil, errUnintroduced
}

// sourceOf gives the client's address; nil if the balancer speaks for itself, as for a check of our health.
func sourceOf(head []byte) (*net.TCPAddr, error) {
	rest := bytes.NewReader(head)
	buffered := bufio.NewReaderSize(rest, len(head)+1)
	header, err := proxyproto.Read(buffered)
	switch {
	case err != nil:
		return nil, err
	case rest.Len() > 0 || buffered.Buffered() > 0:
		return nil, errors.New("the PROXY header is longer than it says")
	case header.Command.IsLocal() || header.TransportProtocol.IsUnspec():
		return nil, nil
	}
	tcp, ok := header.SourceAddr.(*net.TCPAddr)
	if !ok || !tcp.AddrPort().IsValid() {
		return nil, fmt.Errorf("the PROXY header names %v; want an address of TCP", header.SourceAddr)
	}
	return tcp, nil
}

// unheard counts a connection that is refused for want of a header, unless it has been cut for another reason.
func (l *Listener) unheard(c *conn, err error) {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return
	}
	l.tally.unintroduced.Add(1)
	if missed, ok := l.strangers.allow(time.Now()); ok {
		l.log.Warn("connection refused: no PROXY header from a peer in proxy_protocol", "peer", c.TCPConn.RemoteAddr().String(), "error", err, "times_before", missed)
	}
}

// RemoteAddr is the client's address: what a balancer says, else the peer's.
func (c *conn) RemoteAddr() net.Addr {
	if c.source != nil {
		return c.source
	}
	return c.TCPConn.RemoteAddr()
}

// recount counts a connection for the client that has become known; false: it has as many as one may have, or the connection is closed.
func (g *gate) recount(c *conn, client netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.closed.Load() {
		return false
	}
	if !client.IsValid() {
		return true
	}
	if g.clients[client] >= g.perClient {
		return false
	}
	g.clients[client]++
	c.client = client
	return true
}

// unserved gives the connections that no server knows of yet, because they have not said for whom they are or are shaking hands.
func (g *gate) unserved() (all []*conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := g.newest; c != nil; c = c.older {
		if c.introducing.Load() || c.shaking.Load() {
			all = append(all, c)
		}
	}
	return all
}
