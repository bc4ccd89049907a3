package edge

import (
	"context"
	"sync"
	"time"
)

// crowd is the connections of the fast lane.
type crowd struct {
	mu     sync.Mutex
	all    map[*Fast]struct{}
	closed bool
}

// join takes a connection in; false if none is taken any more.
func (c *crowd) join(f *Fast) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.all == nil {
		c.all = map[*Fast]struct{}{}
	}
	c.all[f] = struct{}{}
	return true
}

func (c *crowd) part(f *Fast) {
	c.mu.Lock()
	delete(c.all, f)
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
	for f := range c.all {
		if f.state.CompareAndSwap(waiting, leaving) {
			_ = f.conn.TCPConn.Close()
		}
	}
	return len(c.all)
}

// cut closes all connections.
func (c *crowd) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for f := range c.all {
		_ = f.conn.TCPConn.Close()
	}
}
