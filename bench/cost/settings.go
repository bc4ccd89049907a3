package cost

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"triage/bench/peer"
)

// Settings says what is measured. Program is needed; zero values of the others are the defaults.
type Settings struct {
	// Program is this binary: Triage as a peer, and Go's proxy as another.
	Program string
	// Peers are names of package peer's bare contenders; nil is Usual, of which those that differ from another in what they do with a request are
	// measured in what a request costs alone.
	Peers []string
	// Parts are names of PartNames; nil is all.
	Parts []string
	// Rounds is how often everybody is measured; 0 is 5.
	Rounds int
	// Each is how long one value is measured; 0 is 600 ms.
	Each time.Duration
	// Connections are those of the closed loop; nil is 8, 64, 256, 1024.
	Connections []int
	// Routes, Clients, Open (connections) and Bodies (bytes) are the sizes that grow; nil is the default.
	Routes, Clients, Open []int
	Bodies                []int64
	// Wrk measures cpu with wrk as the client too.
	Wrk bool
	// Say is told what is going on; nil: nobody is.
	Say func(Progress)
	// named says that Peers were given.
	named bool
}

// usualRoutes is how many routes Triage has, and what is alike, where their number is not what is measured.
const usualRoutes = 50

// Usual are those that are measured if nobody says which: all but Triage's fast lane by its name, which is what it comes with.
func Usual() []string {
	return slices.DeleteFunc(peer.Names(peer.Bare("")), func(name string) bool { return name == "triage-fast" })
}

// grows are the parts in which something grows: measured over wide ranges, and less often.
var grows = []string{"connections", "routes", "clients", "bodies"}

// sameProxy are the peers that differ from reverseproxy, and from nginx, in what they do with a request, not in how it takes more of something.
var sameProxy = []string{"nginx-alike", "failsafe", "gobreaker", "gozero"}

// PeersOf are those that are measured in a part: all that were named, or those of Usual for whom it means something.
func (s Settings) PeersOf(part string) []string {
	s = s.withDefaults()
	if s.named || !slices.Contains(grows, part) {
		return s.Peers
	}
	return slices.DeleteFunc(slices.Clone(s.Peers), func(name string) bool { return slices.Contains(sameProxy, name) })
}

// Progress is where a measurement is.
type Progress struct {
	Part, Peer    string
	Round, Rounds int
	// Share of the whole that is done.
	Share float64
}

// PartNames are what can be measured, in this order.
func PartNames() []string {
	return []string{"cpu", "latency", "refusal", "connections", "routes", "clients", "bodies"}
}

// Bounds of what makes sense.
const (
	mostRounds      = 100
	mostConnections = 10_000
	mostRoutes      = 10_000
	mostClients     = 100_000
	mostBody        = 1 << 30
	leastEach       = time.Millisecond
	mostEach        = 10 * time.Second
)

func (s Settings) withDefaults() Settings {
	s.named = s.named || s.Peers != nil
	s.Peers = orElse(s.Peers, Usual()...)
	s.Parts = orElse(s.Parts, PartNames()...)
	s.Connections = orElse(s.Connections, 8, 64, 256, 1024)
	s.Routes = orElse(s.Routes, 10, 100, 1000, 10_000)
	s.Clients = orElse(s.Clients, 10, 1000, 100_000)
	s.Open = orElse(s.Open, 10, 100, 1000, 10_000)
	s.Bodies = orElse(s.Bodies, 0, 1<<10, 64<<10, 1<<20, 100_000_000, 1<<30)
	if s.Rounds == 0 {
		s.Rounds = 5
	}
	if s.Each == 0 {
		s.Each = 600 * time.Millisecond
	}
	return s
}

func orElse[T any](given []T, otherwise ...T) []T {
	if given == nil {
		return otherwise
	}
	return given
}

// Check says what is wrong with the settings.
func (s Settings) Check() error {
	s = s.withDefaults()
	switch {
	case s.Rounds < 1 || s.Rounds > mostRounds:
		return fmt.Errorf("%d rounds: want 1 to %d", s.Rounds, mostRounds)
	case s.Each < leastEach || s.Each > mostEach:
		return fmt.Errorf("each value measured for %v: want %v to %v", s.Each, leastEach, mostEach)
	}
	for _, list := range []struct {
		what        string
		given, from []string
	}{{"peer", s.Peers, peer.Names(peer.Bare(""))}, {"part", s.Parts, PartNames()}} {
		if len(list.given) == 0 {
			return fmt.Errorf("no %s: want some of %s", list.what, strings.Join(list.from, ", "))
		}
		for i, name := range list.given {
			if !slices.Contains(list.from, name) {
				return fmt.Errorf("%s %q: want some of %s", list.what, name, strings.Join(list.from, ", "))
			}
			if slices.Contains(list.given[:i], name) {
				return fmt.Errorf("%s %q: given twice", list.what, name)
			}
		}
	}
	for _, list := range []struct {
		what  string
		given []int
		most  int
	}{{"connections", s.Connections, mostConnections}, {"routes", s.Routes, mostRoutes}, {"clients", s.Clients, mostClients}, {"open connections", s.Open, mostConnections}} {
		for _, n := range list.given {
			if n < 1 || n > list.most {
				return fmt.Errorf("%d %s: want 1 to %d", n, list.what, list.most)
			}
		}
	}
	for _, n := range s.Bodies {
		if n < 0 || n > mostBody {
			return fmt.Errorf("a body of %d bytes: want 0 to %d", n, mostBody)
		}
	}
	return nil
}
