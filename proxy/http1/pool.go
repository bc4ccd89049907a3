package http1

import (
	"net"
	"sync"
	"time"
)

// Peer is a connection to an endpoint.
type Peer struct {
	Conn
	Response Response
	Body     Body
	// Used is set if it has carried an exchange before.
	Used  bool
	since time.Duration
}

// NewPeer takes a fresh connection.
func NewPeer(tcp *net.TCPConn) (*Peer, error) {
	s, err := Take(tcp, nil)
	if err != nil {
		return nil, err
	}
	p := &Peer{}
	p.Reset(s)
	return p, nil
}

// Pool keeps connections to one endpoint that nobody uses. The newest goes first, so that what is not needed grows old and is closed.
type Pool struct {
	// Most is how many are kept, Idle how long.
	Most int
	Idle time.Duration

	mu     sync.Mutex
	idle   []*Peer // the newest last
	closed bool
	// sweeps goes off while there are idle connections, if sweeping is set.
	sweeps   *time.Timer
	sweeping bool
}

// sweepEvery is how often idle connections are looked at, so that those that the endpoint has closed do not stay.
const sweepEvery = 2 * time.Second

// Get gives a connection on which there is nothing to read, nil if there is none. One that the endpoint has closed, or on which it has sent
// what nobody asked for, is closed: whatever that was, it would be taken for the answer to the next request. now is the time.
func (p *Pool) Get(now time.Duration) *Peer {
	for {
		p.mu.Lock()
		last := len(p.idle) - 1
		if last < 0 {
			p.mu.Unlock()
			return nil
		}
		peer := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		p.mu.Unlock()
		if now-peer.since < p.Idle && peer.Peek() == Quiet {
			return peer
		}
		_ = peer.Close()
	}
}

// Put keeps a connection for the next request. The caller has read all of the answer.
func (p *Pool) Put(peer *Peer, now time.Duration) {
	if len(peer.Buffered()) > 0 {
		_ = peer.Close()
		return
	}
	peer.Rest()
	peer.Used, peer.since = true, now
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.Most {
		_ = peer.Close()
		return
	}
	p.idle = append(p.idle, peer)
	switch {
	case p.sweeping:
	case p.sweeps == nil:
		p.sweeps = time.AfterFunc(sweepEvery, p.sweep)
	default:
		p.sweeps.Reset(sweepEvery)
	}
	p.sweeping = true
}

// sweep closes what is of no use any more.
func (p *Pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, kept := Now(), p.idle[:0]
	for _, peer := range p.idle {
		if now-peer.since < p.Idle && peer.Peek() == Quiet {
			kept = append(kept, peer)
			continue
		}
		_ = peer.Close()
	}
	clear(p.idle[len(kept):])
	p.idle, p.sweeping = kept, len(kept) > 0
	if p.sweeping {
		p.sweeps.Reset(sweepEvery)
	}
}

// Close closes what is idle, and what comes back from now on.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, peer := range p.idle {
		_ = peer.Close()
	}
	p.idle = nil
	if p.sweeping = false; p.sweeps != nil {
		p.sweeps.Stop()
	}
}
