package edge

import (
	"crypto/tls"
	"errors"
	"net/http"
	"sync"

	"triage/proxy/http1"
)

// doubt follows a connection of HTTP/1.1 that net/http serves, for what that does not show: whether everybody on the way agrees where a request ends. It
// drops Content-Length beside Transfer-Encoding, and takes a bare LF, a folded line or a chunk extension as they come. What is framed twice is refused
// here, as RFC 9112, section 6.1, wants it; what is only odd is served, and the connection ends after the answer, so that nothing that somebody may
// have read in another way is behind it.
type doubt struct {
	mu       sync.Mutex // who reads ahead is another goroutine of net/http
	follower http1.Follower
	served   int
	over     bool
}

func newDoubt(p *policy) *doubt {
	return &doubt{follower: http1.Follower{MaxHeader: int(p.MaxHeader), MaxFields: maxFields}}
}

// heard is told what was read.
func (d *doubt) heard(p []byte) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.follower.Follow(p)
	}
}

// begin gives the number of the request that is served now.
func (d *doubt) begin() int {
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.served++
	return d.served - 1
}

// of says what is not certain of a request, or of one before it.
func (d *doubt) of(request int) error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if first, err := d.follower.Lost(); request >= first {
		return err
	}
	return nil
}

// end lets go of a connection that speaks something else from now on.
func (d *doubt) end() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over, d.follower = true, http1.Follower{}
}

// twofold reports whether a request is framed or addressed twice.
func twofold(err error) bool {
	return errors.Is(err, http1.ErrTwoLengths) || errors.Is(err, http1.ErrTwoCodings) || errors.Is(err, http1.ErrHost)
}

// doubt is the connection's; nil if it has none.
func (p *peer) doubt(r *http.Request) *doubt {
	if p == nil || p.conn == nil || r.ProtoMajor != 1 {
		return nil
	}
	return p.conn.doubt
}

// overTLS is a connection of HTTP/1.1 over TLS.
type overTLS struct {
	*tls.Conn
	conn *conn
}

// Read reads what the client has said.
func (c *overTLS) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.conn.doubt.heard(p[:n])
	return n, err
}
