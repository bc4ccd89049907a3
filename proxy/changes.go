package proxy

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"triage/breaker"
	"triage/shed"
)

// changesKept is how many breaker changes are remembered.
const changesKept = 512

// changes numbers the entries of all control laws and remembers those of the breakers. Unlike the laws, breakers change state
// while a request asks them, so they have to tell.
type changes struct {
	number atomic.Uint64

	mu   sync.Mutex
	ring []shed.Entry // newest last
}

// next is the sequence that all entries share.
func (c *changes) next() uint64 { return c.number.Add(1) }

// breakerStates are what an entry's From and To say of a breaker.
var breakerStates = map[breaker.State]float64{breaker.Closed: 0, breaker.HalfOpen: 0.5, breaker.Open: 1}

// breakerOf gives the hook for the breakers of an upstream.
func (c *changes) breakerOf(upstream string) func(breaker.Change) {
	return func(b breaker.Change) { c.add(upstream, b) }
}

func (c *changes) add(upstream string, b breaker.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ring) >= changesKept {
		c.ring = slices.Delete(c.ring, 0, 1)
	}
	c.ring = append(c.ring, shed.Entry{
		Seq: c.next(), Time: b.Time, Upstream: upstream, Kind: "breaker", Subject: b.Name,
		From: breakerStates[b.From], To: breakerStates[b.To], Reason: fmt.Sprintf("%s: %s", b.To, b.Reason),
	})
}

// after gives the remembered changes with a higher number, oldest first.
func (c *changes) after(seq uint64) []shed.Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, _ := slices.BinarySearchFunc(c.ring, seq+1, func(e shed.Entry, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	return slices.Clone(c.ring[at:])
}
