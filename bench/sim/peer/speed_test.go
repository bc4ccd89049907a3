package peer

import (
	"testing"
	"time"

	"triage/bench/sim"
)

// BenchmarkPeers is the cost of one request at half of what a peer lets in: what a simulated minute pays for the policy.
func BenchmarkPeers(b *testing.B) {
	for _, n := range All() {
		b.Run(n.Name, func(b *testing.B) {
			p := n.New(Settings{Classes: 4, Routes: shop, Seed: 1})
			requests := make([]sim.Request, 2)
			now := time.Duration(0)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now += ms
				r := &requests[i%len(requests)]
				*r = sim.Request{ID: uint64(i), Route: i % 4, Class: i % 4, Session: uint64(i)}
				if p.Arrive(now, r) == sim.Start {
					p.Done(now+ms/2, r, sim.Success)
				}
				p.Woken(now)
			}
		})
	}
}
