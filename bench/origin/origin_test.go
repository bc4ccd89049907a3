package origin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"triage/bench/origin"
)

// finish is what became of one request, in virtual time since the bubble began.
type finish struct {
	path   string
	status int
	at     time.Duration
}

// driver sends requests to an origin and notes the order in which they finish.
type driver struct {
	o     *origin.Origin
	begun time.Time
	wg    sync.WaitGroup
	mu    sync.Mutex
	ends  []finish
}

func newDriver(t *testing.T, s origin.Settings) *driver {
	t.Helper()
	o, err := origin.New(s)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return &driver{o: o, begun: time.Now()}
}

// send starts one request and waits until it stands in its queue or slot, so that the order of sending is the order of
// arrival.
func (d *driver) send(ctx context.Context, path string) {
	d.wg.Go(func() {
		w := httptest.NewRecorder()
		d.o.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", path, nil))
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ends = append(d.ends, finish{path, w.Code, time.Since(d.begun)})
	})
	synctest.Wait()
}

// finished copies what has finished so far, while others may still be on their way.
func (d *driver) finished() []finish {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ends)
}

func onePool(p origin.PoolSettings, service time.Duration) origin.Settings {
	p.Name = "db"
	return origin.Settings{
		Pools:  []origin.PoolSettings{p},
		Routes: []origin.RouteSettings{{Name: "all", Path: "/*", Pool: "db", Service: service}},
	}
}

func TestWaitersAreServedInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1}, 10*time.Millisecond))
		paths := []string{"/a", "/b", "/c", "/d", "/e"}
		for _, path := range paths {
			d.send(t.Context(), path)
		}
		d.wg.Wait()
		for i, end := range d.ends {
			want := finish{paths[i], 200, time.Duration(i+1) * 10 * time.Millisecond}
			if end != want {
				t.Errorf("finish %d: got %v, want %v", i, end, want)
			}
		}
	})
}

func TestPoolServesItsSizeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 3}, 10*time.Millisecond))
		for range 7 {
			d.send(t.Context(), "/x")
		}
		got := d.o.Snapshot().Pools[0]
		if got.Busy != 3 || got.Waiting != 4 {
			t.Errorf("seven requests at a pool of 3: got busy %d, waiting %d, want 3, 4", got.Busy, got.Waiting)
		}
		d.wg.Wait()
		if got, want := time.Since(d.begun), 30*time.Millisecond; got != want {
			t.Errorf("seven services of 10 ms in 3 slots took %v, want %v", got, want)
		}
	})
}

func TestContentionGrowsWithWaiters(t *testing.T) {
	tests := []struct {
		name string
		pool origin.PoolSettings
		send int
		// ends of the requests in milliseconds; when n get the slot, n-1 are left behind them
		want []int
	}{
		{"none", origin.PoolSettings{Size: 1}, 3, []int{10, 20, 30}},
		{"half per waiter", origin.PoolSettings{Size: 1, Contention: 0.5}, 4, []int{10, 30, 45, 55}},
		{"bounded", origin.PoolSettings{Size: 1, Contention: 0.5, MaxContention: 1}, 4, []int{10, 25, 40, 50}},
		{"per slot", origin.PoolSettings{Size: 2, Contention: 1}, 4, []int{10, 10, 20, 25}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDriver(t, onePool(test.pool, 10*time.Millisecond))
				for range test.send {
					d.send(t.Context(), "/x")
				}
				d.wg.Wait()
				for i, end := range d.ends {
					if want := time.Duration(test.want[i]) * time.Millisecond; end.at != want {
						t.Errorf("request %d ended at %v, want %v", i, end.at, want)
					}
				}
			})
		})
	}
}

func TestContentionIsBoundedByTenByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1, Contention: 0.3}, time.Millisecond))
		for range 50 {
			d.send(t.Context(), "/x")
		}
		if got, want := d.o.Snapshot().Pools[0].Contention, 4.0; got != want {
			t.Errorf("contention with 49 waiters at one slot: got %v, want %v", got, want)
		}
		d.wg.Wait()
	})
}

func TestClientThatLeavesStillBurns(t *testing.T) {
	tests := []struct {
		name  string
		leave bool
		// when the request behind the one that left is served
		want time.Duration
	}{
		{"stays in the queue", false, 30 * time.Millisecond},
		{"leaves the queue", true, 20 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDriver(t, onePool(origin.PoolSettings{Size: 1, LeaveQueue: test.leave}, 10*time.Millisecond))
				ctx, hangUp := context.WithCancel(t.Context())
				d.send(ctx, "/served-to-nobody")
				d.send(ctx, "/waits-for-nobody")
				d.send(t.Context(), "/x")
				time.Sleep(time.Millisecond)
				hangUp()
				d.wg.Wait()
				last := d.ends[len(d.ends)-1]
				if want := (finish{"/x", 200, test.want}); last != want {
					t.Errorf("last to finish: got %v, want %v", last, want)
				}
				got := d.o.Snapshot().Routes[0]
				if got.Abandoned != 2 || got.Served != 1 || got.InFlight() != 0 {
					t.Errorf("counts: got %+v, want 2 abandoned, 1 served, none in flight", got)
				}
			})
		})
	}
}

func TestTooManyWaitersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onePool(origin.PoolSettings{Size: 1}, 10*time.Millisecond)
		s.MaxWaiters = 2
		d := newDriver(t, s)
		for _, path := range []string{"/a", "/b", "/c", "/d"} {
			d.send(t.Context(), path)
		}
		if ends := d.finished(); !slices.Equal(ends, []finish{{"/d", 503, 0}}) {
			t.Fatalf("with a slot and two places: got %v, want /d alone refused at once", ends)
		}
		time.Sleep(11 * time.Millisecond) // a place is free again
		d.send(t.Context(), "/e")
		d.wg.Wait()
		got := d.o.Snapshot().Routes[0]
		if got.Served != 4 || got.Refused != 1 {
			t.Errorf("counts: got %+v, want 4 served, 1 refused", got)
		}
	})
}

func TestWhoLeavesTheQueueGivesItsPlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onePool(origin.PoolSettings{Size: 1, LeaveQueue: true}, 10*time.Millisecond)
		s.MaxWaiters = 1
		d := newDriver(t, s)
		d.send(t.Context(), "/a")
		ctx, hangUp := context.WithCancel(t.Context())
		d.send(ctx, "/b")
		hangUp()
		synctest.Wait()
		d.send(t.Context(), "/c")
		d.wg.Wait()
		if got := d.o.Snapshot().Routes[0]; got.Served != 2 || got.Abandoned != 1 || got.Refused != 0 {
			t.Errorf("counts: got %+v, want 2 served, 1 abandoned, none refused", got)
		}
	})
}

func TestRoutesDoNotShareWhatTheyNeedNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, origin.Settings{
			Pools: []origin.PoolSettings{{Name: "db", Size: 1}},
			Routes: []origin.RouteSettings{
				{Name: "checkout", Path: "/checkout", Pool: "db", Service: 10 * time.Millisecond},
				{Name: "cart", Path: "/cart/*", Pool: "db", Service: 10 * time.Millisecond},
				{Name: "special", Path: "/cart/special/*", Service: time.Millisecond},
				{Name: "static", Path: "/static/*", Service: 2 * time.Millisecond, Body: 5},
			},
		})
		for _, path := range []string{"/cart/1", "/checkout", "/static/a", "/static/b", "/cart/special/x", "/cartoon"} {
			d.send(t.Context(), path)
		}
		d.wg.Wait()
		want := map[string]finish{
			"/cart/1":         {"/cart/1", 200, 10 * time.Millisecond},
			"/checkout":       {"/checkout", 200, 20 * time.Millisecond},
			"/static/a":       {"/static/a", 200, 2 * time.Millisecond},
			"/static/b":       {"/static/b", 200, 2 * time.Millisecond},
			"/cart/special/x": {"/cart/special/x", 200, time.Millisecond},
			"/cartoon":        {"/cartoon", 404, 0},
		}
		for _, end := range d.ends {
			if end != want[end.path] {
				t.Errorf("got %v, want %v", end, want[end.path])
			}
		}
		if got := d.o.Snapshot().Unknown; got != 1 {
			t.Errorf("unknown: got %d, want 1", got)
		}
	})
}

func TestStopEndsWaitsAndServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 2}, time.Hour))
		for range 5 {
			d.send(t.Context(), "/x")
		}
		d.o.Stop()
		d.o.Stop()
		d.wg.Wait()
		got := d.o.Snapshot()
		if got.Routes[0].Stopped != 5 || got.Pools[0].Busy != 0 || got.Pools[0].Waiting != 0 || time.Since(d.begun) != 0 {
			t.Errorf("after Stop: got %+v at %v, want 5 stopped at once and an empty pool", got, time.Since(d.begun))
		}
	})
}

func BenchmarkServeHTTP(b *testing.B) {
	o, err := origin.New(onePool(origin.PoolSettings{Size: 1}, 0))
	if err != nil {
		b.Fatal(err)
	}
	req := httptest.NewRequest("GET", "/x", http.NoBody)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		o.ServeHTTP(w, req)
	}
}
