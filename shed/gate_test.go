package shed_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"triage/shed"
)

func newGate(t *testing.T) (*shed.Gate, []*shed.Route) {
	t.Helper()
	g, err := shed.NewGate(settings)
	if err != nil {
		t.Fatal(err)
	}
	routes, err := g.Configure(settings)
	if err != nil {
		t.Fatal(err)
	}
	return g, routes
}

// ticking calls Tick until the test's bubble ends.
func ticking(ctx context.Context, g *shed.Gate) {
	ticker := time.NewTicker(shed.TickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			g.Tick()
		}
	}
}

// In a flood the gate hands slots to checkout and turns recommendations away, every slot comes back, and whoever waits is
// answered by its deadline.
func TestGateInAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		g, routes := newGate(t)
		go ticking(ctx, g)
		pool := make(chan struct{}, 10)
		var wg sync.WaitGroup
		var offered, served [4]atomic.Int64
		send := func(class int) {
			wg.Go(func() {
				offered[class].Add(1)
				start := time.Now()
				slot, no, _ := g.Enter(ctx, shed.Ask{Route: routes[class], Cohort: uint16(start.UnixMilli() % shed.Cohorts)})
				if no.Reason != shed.Admitted {
					if waited := time.Since(start); waited > 2*time.Second {
						t.Errorf("class %d waited %v for its refusal", class, waited)
					}
					if no.RetryAfter < time.Second {
						t.Errorf("class %d: retry after %v", class, no.RetryAfter)
					}
					return
				}
				pool <- struct{}{}
				time.Sleep(20 * time.Millisecond)
				<-pool
				slot.Done(shed.Success, 0)
				slot.Done(shed.Success, 0) // a second time changes nothing
				served[class].Add(1)
			})
		}
		run := func(lasts time.Duration, checkout, recommendations int) {
			for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				for range checkout {
					send(0)
				}
				for range recommendations {
					send(3)
				}
			}
		}
		run(4*time.Second, 1, 1) // 200 a second on a pool that serves 500
		run(6*time.Second, 2, 8) // 1000 a second
		wg.Wait()
		if got := float64(served[0].Load()) / float64(offered[0].Load()); got < 0.99 {
			t.Errorf("checkout: %.3f served; want 0.99 at least", got)
		}
		if served[3].Load() == offered[3].Load() {
			t.Error("nothing was refused at twice the capacity")
		}
		for name, r := range g.Snapshot().Routes {
			if r.InFlight != 0 || r.Queued != 0 {
				t.Errorf("%s: %d in flight and %d queued after all came back", name, r.InFlight, r.Queued)
			}
		}
	})
}

// A client that leaves while it waits gives its place back.
func TestGateClientLeavesWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		g, routes := newGate(t)
		go ticking(ctx, g)
		var slots []shed.Slot
		for range 300 { // teach it a baseline and a small peak
			slot, _, _ := g.Enter(ctx, shed.Ask{Route: routes[3]})
			time.Sleep(10 * time.Millisecond)
			slot.Done(shed.Success, 0)
		}
		for range 8 { // fill the headroom
			slot, no, _ := g.Enter(ctx, shed.Ask{Route: routes[3]})
			if no.Reason != shed.Admitted {
				t.Fatalf("refused with %v inside the headroom", no.Reason)
			}
			slots = append(slots, slot)
		}
		left, leave := context.WithTimeout(ctx, 20*time.Millisecond)
		defer leave()
		start := time.Now()
		if _, no, _ := g.Enter(left, shed.Ask{Route: routes[3]}); no.Reason != shed.QueueTimeout {
			t.Errorf("reason %v; want %v", no.Reason, shed.QueueTimeout)
		}
		if waited := time.Since(start); waited != 20*time.Millisecond {
			t.Errorf("noticed after %v that the client had left; want 20ms", waited)
		}
		for _, s := range slots {
			s.Done(shed.Success, 0)
		}
		if s := g.Snapshot().Routes["recommendations"]; s.InFlight != 0 || s.Queued != 0 {
			t.Errorf("%d in flight, %d queued", s.InFlight, s.Queued)
		}
	})
}

func BenchmarkGate(b *testing.B) {
	g, err := shed.NewGate(settings)
	if err != nil {
		b.Fatal(err)
	}
	routes, _ := g.Configure(settings)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			slot, _, _ := g.Enter(context.Background(), shed.Ask{Route: routes[0]})
			slot.Done(shed.Success, 0)
		}
	})
}

// However many ask at the same instant, no more run than the limit says, but for one probe of each route: there is no moment between the
// look at the count and the count (Envoy documents one, as large as its number of workers).
func TestTheLimitHoldsAgainstManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, routes := newGate(t)
		fast := func() {
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					slot, no, _ := g.Enter(t.Context(), shed.Ask{Route: routes[1]})
					time.Sleep(10 * time.Millisecond)
					if no.Reason == shed.Admitted {
						slot.Done(shed.Success, 0)
					}
				})
			}
			wg.Wait()
		}
		for range 40 {
			for range 10 {
				fast()
			}
			g.Tick()
		}
		ceiling := int64(g.Snapshot().Routes["cart"].Ceiling)
		if ceiling < 8 || ceiling > 100 {
			t.Fatalf("the ceiling is %d after a calm: the test shows nothing", ceiling)
		}
		var wg sync.WaitGroup
		var running, most, refused atomic.Int64
		for i := range 1000 {
			wg.Go(func() {
				slot, no, _ := g.Enter(t.Context(), shed.Ask{Route: routes[1], Cohort: uint16(i)})
				if no.Reason != shed.Admitted {
					refused.Add(1)
					return
				}
				n := running.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				time.Sleep(10 * time.Millisecond)
				running.Add(-1)
				slot.Done(shed.Success, 0)
			})
		}
		wg.Wait()
		if got := most.Load(); got > ceiling+1 || got < ceiling {
			t.Errorf("%d ran at once; the ceiling is %d, and one probe may come on top", got, ceiling)
		}
		if refused.Load() == 0 {
			t.Error("nobody was refused: the test shows nothing")
		}
	})
}
