package peer

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"triage/bench/sim"
)

var shop = []RouteInfo{{"checkout", 0}, {"cart", 1}, {"search", 2}, {"recommendations", 3}}

func TestAllHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range All() {
		if n.Name == "" || n.Doc == "" || seen[n.Name] {
			t.Errorf("%q: want a name of its own and a line for people", n.Name)
		}
		seen[n.Name] = true
		p := n.New(Settings{})
		if p.TickEvery() <= 0 {
			t.Errorf("%s: ticks every %v, want a time above nothing", n.Name, p.TickEvery())
		}
		// The zero Settings and a request outside of everything known are answered like any other.
		r := &sim.Request{Route: 99, Class: 99}
		if v := p.Arrive(0, r); v != sim.Start {
			t.Errorf("%s: the first request got verdict %d, want start", n.Name, v)
		}
		p.Done(ms, r, sim.Success)
	}
}

func TestTicketsAreConserved(t *testing.T) {
	for _, n := range All() {
		for seed := range uint64(5) {
			t.Run(fmt.Sprintf("%s/%d", n.Name, seed), func(t *testing.T) {
				l := newLedger(t, n, seed)
				for range 20_000 {
					l.step()
					if in, waiting := bookkeeping(l.p); in != len(l.running) || waiting != len(l.waiting) {
						t.Fatalf("at %v: the peer counts %d in flight and %d waiting, want %d and %d", l.now, in, waiting, len(l.running), len(l.waiting))
					}
					if len(l.waiting) > 3*failsafeMax {
						t.Fatalf("%d wait, want a bounded room", len(l.waiting))
					}
				}
				l.drain()
			})
		}
	}
}

func TestSameSeedSameRun(t *testing.T) {
	for _, n := range All() {
		t.Run(n.Name, func(t *testing.T) {
			run := func() []byte {
				l := newLedger(t, n, 11)
				for range 20_000 {
					l.step()
				}
				return l.trace
			}
			if !reflect.DeepEqual(run(), run()) {
				t.Error("two runs of one seed differ")
			}
		})
	}
}

func TestMemoryIsBounded(t *testing.T) {
	for _, n := range All() {
		t.Run(n.Name, func(t *testing.T) {
			l := newLedger(t, n, 3)
			round := func() {
				for range 50_000 {
					l.step()
					for len(l.running) > 300 { // a client gives up sooner or later
						l.finish()
					}
				}
				l.trace = nil
			}
			round()
			before := heapBytes()
			for range 4 {
				round()
			}
			if grown := int64(heapBytes()) - int64(before); grown > 512<<10 {
				t.Errorf("heap grew by %d bytes over 200,000 steps, want none to speak of", grown)
			}
			runtime.KeepAlive(l)
		})
	}
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestLimitsAreToldWhereThereAreAny(t *testing.T) {
	want := map[string]float64{"static": staticLimit, "envoy-ac": acMinLimit, "gradient2": g2Initial, "cinnamon": tunerInitial, "failsafe": failsafeInitial}
	for _, n := range All() {
		gauge, ok := n.New(Settings{}).(interface{ Limit() float64 })
		if limit, has := want[n.Name]; has != ok || ok && gauge.Limit() != limit {
			t.Errorf("%s: tells a limit: %t, want %t, of %v", n.Name, ok, has, limit)
		}
	}
}

// A policy may be made in the middle of a run: a sidecar that restarts.
func TestLateStart(t *testing.T) {
	for _, n := range All() {
		t.Run(n.Name, func(t *testing.T) {
			s := &stream{t: t, p: n.New(Settings{Classes: 4, Routes: shop}), now: 17 * time.Minute}
			s.p.Tick(s.now)
			for range 500 {
				r, v := s.arrive(0, s.id)
				if v != sim.Start {
					t.Fatalf("at %v: a request on an idle backend got verdict %d %q, want start", s.now, v, r.Reason)
				}
				s.done(r, 20*ms, sim.Success)
				s.p.Tick(s.now)
			}
		})
	}
}
