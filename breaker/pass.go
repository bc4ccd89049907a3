package breaker

import "sync/atomic"

// Outcome says what became of a request that was allowed.
type Outcome uint8

// The outcomes of a request.
const (
	// Success: the backend did its part.
	Success Outcome = iota
	// Failure: the backend failed.
	Failure
	// Ignored: nothing was learned of the backend: the client's fault, or never sent.
	Ignored
)

// Pass is the right to call once. It is a small value; whoever holds it returns it with Done on every path. The zero Pass may
// be returned too, to no effect.
type Pass struct {
	ticket *ticket
	// serial is the ticket's at the time it was issued.
	serial uint64
	permit Permit
}

// ticket makes one of all copies of a pass count: the first to raise the serial. It is used again after that.
type ticket struct {
	breaker *Breaker
	serial  atomic.Uint64
}

// spend reports whether the pass was still good. Afterwards it is not, and the ticket is free.
func (p Pass) spend() bool {
	if !p.ticket.serial.CompareAndSwap(p.serial, p.serial+1) {
		return false
	}
	p.ticket.breaker.tickets.Put(p.ticket)
	return true
}

// Probe reports whether the call is one of the few of a half-open breaker, which has to come back before its lease runs out.
func (p Pass) Probe() bool { return p.permit.Probe() }

// Awaited reports whether the breaker can change its state only when the pass comes back: it is a probe's, or of a brown-out.
func (p Pass) Awaited() bool { return p.permit.Awaited() }

// Done says what became of the request. The first call counts, further ones are ignored, and so is one that comes after the
// state has changed or, for a probe, after its lease has run out.
func (p Pass) Done(o Outcome) {
	if p.ticket != nil && p.spend() {
		p.ticket.breaker.done(p, o)
	}
}
