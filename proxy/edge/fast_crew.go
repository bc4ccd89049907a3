package edge

import "sync"

// crew is the goroutines that serve connections of the fast lane on which something has come. Some stay, for one that has served before has
// its stack already, and to make it costs memory.
type crew struct {
	mu   sync.Mutex
	free []*worker // who was busy last goes first
}

type worker struct{ next chan *line }

// mostFree is how many wait for work.
const mostFree = 64

// workers are the process's.
var workers crew

// serve has somebody serve a connection.
func (c *crew) serve(k *line) {
	c.mu.Lock()
	last := len(c.free) - 1
	if last < 0 {
		c.mu.Unlock()
		go c.work(&worker{make(chan *line, 1)}, k)
		return
	}
	w := c.free[last]
	c.free = c.free[:last]
	c.mu.Unlock()
	w.next <- k
}

func (c *crew) work(w *worker, k *line) {
	for ; ; k = <-w.next {
		k.conn.from.visit(k, false)
		c.mu.Lock()
		if len(c.free) >= mostFree {
			c.mu.Unlock()
			return
		}
		c.free = append(c.free, w)
		c.mu.Unlock()
	}
}
