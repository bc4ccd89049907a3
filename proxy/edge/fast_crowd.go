package edge

import (
	"context"
	"sync"
	"time"
)

// crowd is the connections of the fast lane. One that is in it is not closed, for who closes it takes it out before.
type crowd struct {
	mu     sync.Mutex
	all    map[*line]struct{}
	closed bool
}

// join takes a connection in; false if none is taken any more.
func (c *crowd) join(k *line) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.all == nil {
		c.all = map[*line]struct{}{}
	}
	c.all[k] = struct{}{}
	return true
}

func (c *crowd) part(k *line) {
	c.mu.Lock()
	delete(c.all, k)
	c.mu.Unlock()
}

// leave closes connections as soon as they wait for a request, until there are none or the context ends.
func (c *crowd) leave(ctx context.Context) error {
	poll := time.NewTicker(lingerPoll)
	defer poll.Stop()
	for c.closeWaiting() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
	return nil
}

func (c *crowd) closeWaiting() (left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for k := range c.all {
		if k.state.CompareAndSwap(waiting, leaving) {
			k.Hurry(0)
		}
	}
	return len(c.all)
}

// cut closes all connections.
func (c *crowd) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for k := range c.all {
		k.Sever()
	}
}

// serveBy says who closes the connection if nothing is under way on it; nil: net/http serves it.
func (c *conn) serveBy(k *line) {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.idler = nil
	c.mark.Store(0)
	if k != nil {
		c.idler = k
	}
}

// expel closes the connection if it waits for a request.
func (k *line) expel() bool {
	c := &k.conn.from.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, in := c.all[k]; !in || !k.state.CompareAndSwap(waiting, leaving) {
		return false
	}
	k.Hurry(0)
	return true
}
