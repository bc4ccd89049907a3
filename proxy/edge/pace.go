package edge

import (
	"net/http"
	"sync/atomic"
	"time"
)

// pace holds one direction of a request to its time limit: the deadline stands while an operation waits, and moves
// with each that begins.
//
// HTTP/1.1: the deadline is the connection's. It only bites an operation that waits, so that it may stay when none does,
// and one that is far enough away need not be moved: it is set to limit + slack, and moved when less than limit is left.
//
// HTTP/2: the deadline is a timer that resets the stream, whether an operation waits or not. So it is set before each
// operation and cleared after it.
type pace struct {
	to    deadliner
	write bool
	// perCall is set for HTTP/2.
	perCall bool
	limit   time.Duration
	// until is where the deadline stands, on the clock since(); 0 for none. Atomic, because a handler may flush from
	// another goroutine.
	until atomic.Int64
}

// deadliner is what net/http's response writers have, and http.ResponseController uses.
type deadliner interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// epoch makes the clock monotonic: a deadline must not move with the time of day.
var epoch = time.Now()

const mostSlack = time.Second

func (p *pace) init(w http.ResponseWriter, protoMajor int, write bool, limit time.Duration) {
	p.to, _ = w.(deadliner)
	p.write, p.limit, p.perCall = write, limit, protoMajor > 1
}

// before is called when an operation begins that may last as long as extra and the limit.
func (p *pace) before(extra time.Duration) {
	now := time.Since(epoch)
	least := p.limit + extra
	if p.to == nil || time.Duration(p.until.Load())-now >= least {
		return
	}
	until := now + least + p.slack()
	p.until.Store(int64(until))
	p.set(epoch.Add(until))
}

func (p *pace) slack() time.Duration { return min(p.limit/4, mostSlack) }

// after is called when an operation has ended.
func (p *pace) after() {
	if p.perCall {
		p.clear()
	}
}

func (p *pace) clear() {
	if p.to != nil && p.until.Swap(0) != 0 {
		p.set(time.Time{})
	}
}

// set ignores errors: a connection that takes no deadline is closed, and the operation will say so.
func (p *pace) set(at time.Time) {
	if p.write {
		_ = p.to.SetWriteDeadline(at)
		return
	}
	_ = p.to.SetReadDeadline(at)
}
