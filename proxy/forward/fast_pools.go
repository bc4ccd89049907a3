package forward

import (
	"maps"
	"net/url"
	"sync"
	"sync/atomic"

	"triage/proxy/http1"
)

// pools are the idle connections of the fast lane, by the endpoint's host.
type pools struct {
	current atomic.Pointer[map[string]*http1.Pool]

	mu     sync.Mutex // one change at a time
	closed bool
}

// of gives the pool of an endpoint.
func (p *pools) of(u *url.URL, most int) *http1.Pool {
	if m := p.current.Load(); m != nil {
		if pool := (*m)[u.Host]; pool != nil {
			return pool
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[string]*http1.Pool{}
	if m := p.current.Load(); m != nil {
		next = maps.Clone(*m)
	}
	if next[u.Host] == nil {
		next[u.Host] = &http1.Pool{Most: most, Idle: idleConnection}
		if p.closed {
			next[u.Host].Close()
		}
	}
	p.current.Store(&next)
	return next[u.Host]
}

// close closes what is idle, and what comes back.
func (p *pools) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if m := p.current.Load(); m != nil {
		for _, pool := range *m {
			pool.Close()
		}
	}
}
