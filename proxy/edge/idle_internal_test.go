package edge

import (
	"net/netip"
	"testing"
)

// One IPv6 host is one client, whichever of its addresses it comes from.
func TestClientKey(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2::": "2001:db8:1:2::", "2001:db8:1:3::1": "2001:db8:1:3::", "fe80::1%eth0": "fe80::", "::1": "::",
	} {
		if got := clientKey(netip.MustParseAddr(text)); got.String() != want {
			t.Errorf("%s counts as %s, want %s", text, got, want)
		}
	}
}

// The table of clients has no more entries than there are connections, and forgets who has none.
func TestGateForgets(t *testing.T) {
	g := newGate(100, 2)
	var open []*conn
	for i := range 10 {
		client := netip.AddrFrom4([4]byte{192, 0, 2, byte(i / 3)})
		c := &conn{gate: g}
		if got, want := g.enter(c, client), i%3 < 2; got != want {
			t.Errorf("connection %d of %s: let in %v, want %v", i%3+1, client, got, want)
		} else if got {
			open = append(open, c)
		}
	}
	if n, _, _ := g.state(); n != len(open) || len(g.clients) != 4 {
		t.Errorf("%d open of %d clients, want %d of 4", n, len(g.clients), len(open))
	}
	for _, at := range []int{3, 0, 5, 1, 2, 6, 4} { // in the middle, at the ends
		g.leave(open[at])
	}
	if n, _, _ := g.state(); n != 0 || len(g.clients) != 0 || g.newest != nil {
		t.Errorf("after all have left: %d open, %d clients, a list %v", n, len(g.clients), g.newest)
	}
}
