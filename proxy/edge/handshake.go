package edge

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// shakeHands does TLS's handshake, and hands the connection to net/http's server as what was agreed on. net/http would do it too, but from then on
// nobody else could see what it reads.
func (l *Listener) shakeHands(c *conn, p *policy) {
	c.secure = true
	c.mark.Store(-markNow())
	c.shaking.Store(true)
	select {
	case <-l.done: // who closes the others may have looked before this one was there
		_ = c.Close()
		return
	default:
	}
	secure := tls.Server(c, p.secure.config(time.Now()))
	_ = c.SetDeadline(time.Now().Add(p.ReadHeader))
	if err := secure.Handshake(); err != nil {
		l.unshaken(c, err)
		return
	}
	_ = c.SetDeadline(time.Time{})
	c.shaking.Store(false)
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		l.toServer(secure)
		return
	}
	l.toServer(&overTLS{secure, c})
}

// unshaken closes a connection whose handshake has failed. One that speaks HTTP is told so.
func (l *Listener) unshaken(c *conn, err error) {
	var other tls.RecordHeaderError
	if errors.As(err, &other) && other.Conn != nil && slices.Contains(methodsBegin, string(other.RecordHeader[:])) {
		_, _ = io.WriteString(other.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		err = errors.New("the client speaks HTTP without TLS")
	}
	_ = c.Close()
	if !errors.Is(err, net.ErrClosed) {
		l.trouble.Printf("TLS handshake with %s: %v", c.RemoteAddr(), err)
	}
}

// methodsBegin is how requests begin, as far as a record of TLS has a header.
var methodsBegin = []string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"}
