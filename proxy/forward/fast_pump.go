package forward

import (
	"sync"
	"sync/atomic"

	"triage/proxy/http1"
	"triage/proxy/reason"
)

// pump goes on sending a request body whose answer has begun already: the only case in which an exchange of the fast lane needs a second
// goroutine. It reads the client and writes to the endpoint; its owner does the other two.
type pump struct {
	x     *Carrier
	gone  atomic.Bool // the client has left or sent nonsense
	ended chan struct{}
	// b is what is to be sent next.
	b []byte

	mu   sync.Mutex
	torn bool
	why  reason.Reason
}

func startPump(x *Carrier) *pump {
	// What is unsent is copied: it lies where the answer's header is written next.
	p := &pump{x: x, ended: make(chan struct{}), b: append(http1.Buffer(), x.unsent...)}
	go p.run()
	return p
}

func (p *pump) run() {
	defer close(p.ended)
	defer func() { http1.Release(p.b) }()
	for ; ; p.b = p.b[:0] {
		var err error
		if p.b, err = p.x.gather(p.b); err != nil {
			p.blame(err)
			return
		}
		if !p.bound() {
			return
		}
		if _, err := p.x.peer.Write(p.b); err != nil || p.x.c.Body.Whole() {
			return // an endpoint that takes no more need not
		}
		begun, had := http1.Now(), len(p.x.c.Buffered())
		if err := p.x.c.Fill(); err != nil {
			p.blame(&clientError{err})
			return
		}
		p.x.c.Waited(http1.Now()-begun, len(p.x.c.Buffered())-had)
	}
}

// bound gives the next write and read their time; false: nobody wants them any more.
func (p *pump) bound() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.torn {
		return false
	}
	now := http1.Now()
	idle, still := p.x.f.settings.IdleTimeout, p.x.c.Patience
	p.x.peer.WriteBy(now+idle, now+idle+http1.Slack(idle))
	p.x.c.ReadBy(now+still, now+still+http1.Slack(still))
	return true
}

func (p *pump) blame(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.torn {
		return
	}
	p.why, _ = p.x.blameRequest(err)
	p.gone.Store(true)
}

// fault is what the client has done.
func (p *pump) fault() reason.Reason {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// stop ends the pump and waits for it.
func (p *pump) stop() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.torn = true
	p.x.c.Hurry(http1.Now() + tearGrace)
	p.x.peer.HurryWrite(0)
	p.mu.Unlock()
	<-p.ended
	p.x.c.Unbound()
}
