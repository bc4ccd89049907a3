package edge

import (
	"net/http"
	"sync/atomic"
	"time"

	"triage/proxy/http1"
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
	// limit is how long an operation may wait now. With perByte it is spent by waiting and earned back by bytes, up to most: see
	// http1.Call.Bear.
	limit, most time.Duration
	perByte     float64
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
	p.write, p.limit, p.most, p.perCall = write, limit, limit, protoMajor > 1
}

// atLeast wants so many bytes a second from somebody who has used up the limit.
func (p *pace) atLeast(rate int64) {
	if rate > 0 {
		p.perByte = float64(time.Second) / float64(rate)
	}
}

// waited tells that an operation has waited, and how many bytes it brought.
func (p *pace) waited(d time.Duration, bytes int) {
	p.limit = http1.Remaining(p.limit, p.most, p.perByte, d, bytes)
}

// before is called when an operation begins that may last as long as extra and the limit.
func (p *pace) before(extra time.Duration) {
	now := time.Since(epoch)
	least := p.limit + extra
	left := time.Duration(p.until.Load()) - now
	if p.to == nil || left >= least && (p.perByte == 0 || left <= least+p.slack()) {
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
