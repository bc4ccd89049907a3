package origin_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"triage/bench/chance"
	"triage/bench/origin"
)

const ms = time.Millisecond

// at are the instants of the driver's endings, in milliseconds, and their status.
func (d *driver) endings() (at []int, status []int) {
	for _, e := range d.finished() {
		at, status = append(at, int(e.at.Round(ms)/ms)), append(status, e.status)
	}
	return at, status
}

// several sends requests at once.
func (d *driver) several(ctx context.Context, n int, path string) {
	for range n {
		d.send(ctx, path)
	}
}

func wantEndings(t *testing.T, d *driver, wantAt, wantStatus []int) {
	t.Helper()
	d.wg.Wait()
	at, status := d.endings()
	if !slices.Equal(at, wantAt) || !slices.Equal(status, wantStatus) {
		t.Errorf("ended at %v ms with %v; want %v with %v", at, status, wantAt, wantStatus)
	}
}

func set(t *testing.T, d *driver, f origin.Faults) {
	t.Helper()
	if err := d.o.Set(f); err != nil {
		t.Fatalf("Set: %v", err)
	}
}

func TestAPoolChangesItsSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 4}, 10*ms))
		d.several(t.Context(), 8, "/x")
		set(t, d, origin.Faults{Size: map[string]float64{"db": 0.25}}) // three of the slots are not given again
		time.Sleep(25 * ms)
		set(t, d, origin.Faults{}) // at 25 ms one is in service, two wait, and there are four slots
		wantEndings(t, d, []int{10, 10, 10, 10, 20, 30, 35, 35}, []int{200, 200, 200, 200, 200, 200, 200, 200})
	})
}

func TestABoundTurnsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1, Bound: 3}, 10*ms))
		set(t, d, origin.Faults{Bound: map[string]int{"db": 1}})
		d.several(t.Context(), 3, "/x")
		wantEndings(t, d, []int{0, 10, 20}, []int{503, 200, 200})
	})
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1, Patience: 15 * ms}, 10*ms))
		d.several(t.Context(), 4, "/x")
		d.wg.Wait()
		// When the second ends, the others have waited for 20 ms.
		if at, status := d.endings(); !slices.Equal(at, []int{10, 20, 20, 20}) || status[0] != 200 {
			t.Errorf("ended at %v ms with %v; want the first served, the others at 20 ms", at, status)
		}
		if got := d.o.Snapshot().Routes[0]; got.Refused != 2 || got.Served != 2 || got.InFlight() != 0 {
			t.Errorf("counts %+v; want two refused, two served", got)
		}
	})
}

func TestWhoeverLeavesIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onePool(origin.PoolSettings{Size: 1}, 10*ms)
		s.Abandon = true
		s.Routes = append(s.Routes, origin.RouteSettings{Name: "free", Path: "/free", Service: time.Hour})
		d := newDriver(t, s)
		ctx, hangUp := context.WithCancel(t.Context())
		d.send(ctx, "/in-service")
		d.send(ctx, "/waiting")
		d.send(ctx, "/free")
		d.send(t.Context(), "/x")
		time.Sleep(3 * ms)
		hangUp()
		d.wg.Wait()
		if last := d.ends[len(d.ends)-1]; last != (finish{"/x", 200, 13 * ms}) {
			t.Errorf("the one who stays: %+v; want it served from 3 to 13 ms", last)
		}
		if got := d.o.Snapshot().Routes; got[0].Abandoned != 2 || got[1].Abandoned != 1 {
			t.Errorf("counts %+v; want three abandoned", got)
		}
	})
}

func TestAPauseMakesServicesLonger(t *testing.T) {
	for name, processor := range map[string]bool{"slots": false, "processor": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The gap is 10 to 30 ms, so a service of 31 ms meets one pause at least.
				s := onePool(origin.PoolSettings{Size: 2, Processor: processor, Pause: origin.Pause{Every: 20 * ms, For: 100 * ms}, Seed: 3}, 31*ms)
				d := newDriver(t, s)
				ctx, stop := context.WithCancel(t.Context())
				played := make(chan error, 1)
				go func() { played <- d.o.Play(ctx, time.Now(), nil) }()
				d.several(t.Context(), 2, "/x")
				d.wg.Wait()
				for _, e := range d.ends {
					if e.at < 131*ms || e.at > 331*ms || (e.at-31*ms)%(100*ms) != 0 {
						t.Errorf("a service of 31 ms ended at %v; want one to three pauses of 100 ms on top", e.at)
					}
				}
				stop()
				if err := <-played; err != nil {
					t.Errorf("Play: %v", err)
				}
			})
		})
	}
}

func TestAProcessorIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1, Processor: true}, 10*ms))
		d.send(t.Context(), "/a")
		time.Sleep(5 * ms)
		// From 5 ms on three share one core: a needs 5 ms more, the others 10.
		d.several(t.Context(), 2, "/b")
		wantEndings(t, d, []int{20, 30, 30}, []int{200, 200, 200})
	})
}

func TestAProcessorBecomesSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 2, Processor: true, Contention: 1}, 10*ms))
		d.several(t.Context(), 2, "/a")
		time.Sleep(5 * ms)
		set(t, d, origin.Faults{Slow: map[string]float64{"db": 2}, Size: map[string]float64{"db": 0.5}})
		// 5 ms are left for both; one core, half as fast, shared by two, and one too many doubles it again.
		wantEndings(t, d, []int{45, 45}, []int{200, 200})
		if got := d.o.Snapshot().Pools[0]; got.Size != 1 || got.Busy != 0 || got.Slow != 2 {
			t.Errorf("pool %+v; want one core, slow, idle", got)
		}
	})
}

func TestStepsComeOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, origin.Settings{
			Pools: []origin.PoolSettings{{Name: "db", Size: 1}, {Name: "gateway", Size: 1}},
			Routes: []origin.RouteSettings{{Name: "pay", Path: "/pay", Steps: []origin.StepSettings{
				{Pool: "db", Service: chance.Service{Mean: 10 * ms}}, {Pool: "gateway", Service: chance.Service{Mean: 30 * ms}},
				{Service: chance.Service{Mean: 5 * ms}},
			}}},
		})
		d.several(t.Context(), 2, "/pay")
		wantEndings(t, d, []int{45, 75}, []int{200, 200})
	})
}

func TestACacheBecomesColdAndWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onePool(origin.PoolSettings{Size: 100}, 0)
		s.Routes[0].Steps = []origin.StepSettings{{Pool: "db", Service: chance.Service{Mean: ms}, Cache: origin.Cache{Hit: 0.9, Entries: 50}}}
		d := newDriver(t, s)
		misses := func(n int) (count int) {
			for range n {
				before := time.Now()
				d.send(t.Context(), "/x")
				d.wg.Wait()
				if time.Since(before) > 0 {
					count++
				}
			}
			return count
		}
		if got := misses(1000); got < 60 || got > 140 {
			t.Errorf("warm: %d of 1000 missed; want about 100", got)
		}
		set(t, d, origin.Faults{Cold: []string{"all"}})
		if got := misses(20); got < 14 {
			t.Errorf("cold: %d of 20 missed; want nearly all", got)
		}
		if misses(1000); d.o.Snapshot().Routes[0].Served != 2020 {
			t.Error("not all were served")
		}
		if got := misses(1000); got < 60 || got > 160 {
			t.Errorf("warm again: %d of 1000 missed; want about 100", got)
		}
	})
}

func TestHangsAndSlowRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1}, 10*ms))
		set(t, d, origin.Faults{Hang: map[string]float64{"all": 1}, HangFor: 70 * ms})
		d.send(t.Context(), "/x")
		set(t, d, origin.Faults{SlowRoutes: map[string]float64{"all": 3}})
		d.send(t.Context(), "/x")
		wantEndings(t, d, []int{70, 100}, []int{500, 200})
		if got := d.o.Snapshot().Routes[0]; got.Failed != 1 || got.Served != 1 {
			t.Errorf("counts %+v; want one failed, one served", got)
		}
	})
}

func TestOneBadEndpointOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onePool(origin.PoolSettings{Size: 1, PerEndpoint: true}, 10*ms)
		s.Endpoints = 2
		d := newDriver(t, s)
		ask := func(n int) (status int, took time.Duration) {
			w, before := httptest.NewRecorder(), time.Now()
			d.o.Endpoint(n).ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
			return w.Code, time.Since(before)
		}
		set(t, d, origin.Faults{Bad: origin.BadEndpoint{Slow: 4}})
		if status, took := ask(0); status != 200 || took != 40*ms {
			t.Errorf("the bad endpoint: %d after %v; want 200 after 40 ms", status, took)
		}
		set(t, d, origin.Faults{Bad: origin.BadEndpoint{Fail: 1}})
		if status, _ := ask(0); status != 500 {
			t.Errorf("the bad endpoint: %d; want 500", status)
		}
		if status, took := ask(1); status != 200 || took != 10*ms {
			t.Errorf("the good endpoint: %d after %v; want 200 after 10 ms", status, took)
		}
		if pools := d.o.Snapshot().Pools; len(pools) != 2 {
			t.Errorf("%d pools; want one for each endpoint", len(pools))
		}
	})
}

func TestPlayLetsFaultsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onePool(origin.PoolSettings{Size: 9}, ms)
		s.Records = 3
		d := newDriver(t, s)
		ctx, stop := context.WithCancel(t.Context())
		played := make(chan error, 1)
		fail := origin.Faults{Fail: map[string]float64{"all": 1}}
		go func() {
			played <- d.o.Play(ctx, time.Now().Add(100*ms), []origin.Moment{{}, {At: 50 * ms, Faults: fail}, {At: 80 * ms}})
		}()
		for range 4 {
			d.send(t.Context(), "/x")
			time.Sleep(52 * ms)
		}
		wantEndings(t, d, []int{1, 53, 105, 156}, []int{200, 200, 200, 500})
		truth := d.o.Truth()
		if len(truth.Records) != 3 || truth.Dropped != 1 {
			t.Fatalf("%d records, %d dropped; want 3 and 1", len(truth.Records), truth.Dropped)
		}
		third := truth.Records[2]
		if third.Begun != 0.004 || third.Ended != 0.005 || third.How != "served" || third.Route != "all" {
			t.Errorf("third record %+v; want it served from 4 to 5 ms after the beginning", third)
		}
		stop()
		if err := <-played; err != nil {
			t.Errorf("Play: %v", err)
		}
	})
}

func TestBadScriptsAreNamed(t *testing.T) {
	d := newDriver(t, onePool(origin.PoolSettings{Size: 1}, ms))
	err := d.o.Play(t.Context(), time.Now(), []origin.Moment{{Faults: origin.Faults{Slow: map[string]float64{"no": 2}}}})
	if err == nil {
		t.Error("an unknown pool in a script is no error")
	}
	if err := d.o.Set(origin.Faults{Bound: map[string]int{"db": 0}}); err == nil {
		t.Error("a bound of 0 is no error")
	}
	if _, err := origin.New(origin.Settings{
		Pools:  []origin.PoolSettings{{Name: "db", Size: 1, Processor: true, Bound: 2}},
		Routes: []origin.RouteSettings{{Name: "a", Path: "/a"}},
	}); err == nil {
		t.Error("a processor with a bound is no error")
	}
	if d.o.Snapshot().Pools[0].Slow != 1 {
		t.Error("what was refused has changed something")
	}
}

func TestServicesNoticedInTimeAreNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1}, 10*ms))
		d.several(t.Context(), 4, "/x")
		d.wg.Wait()
		if got := d.o.Snapshot().Late; got != 0 {
			t.Errorf("%d services were noticed late in virtual time; want none", got)
		}
	})
}

func TestASlotIsHeldOverTheSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, origin.Settings{
			Pools: []origin.PoolSettings{{Name: "workers", Size: 1}, {Name: "db", Size: 1}},
			Routes: []origin.RouteSettings{
				{Name: "cart", Path: "/cart", Steps: []origin.StepSettings{
					{Pool: "workers", Service: chance.Service{Mean: ms}, Held: true}, {Pool: "db", Service: chance.Service{Mean: 20 * ms}},
				}},
				{Name: "search", Path: "/search", Pool: "workers", Service: ms},
			},
		})
		d.send(t.Context(), "/cart")
		d.several(t.Context(), 2, "/search")
		wantEndings(t, d, []int{21, 22, 23}, []int{200, 200, 200})
	})
}

func TestAHeaderGoesOutBeforeTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := origin.Settings{
			Pools:   []origin.PoolSettings{{Name: "connections", Size: 1}},
			Records: 1,
			Routes: []origin.RouteSettings{{Name: "feed", Path: "/feed", Body: 3, Steps: []origin.StepSettings{
				{Service: chance.Service{Mean: 5 * ms}}, {Pool: "connections", Service: chance.Service{Mean: time.Second}, After: true},
			}}},
		}
		d := newDriver(t, s)
		w := &flushing{ResponseRecorder: httptest.NewRecorder()}
		d.wg.Go(func() { d.o.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/feed", nil)) })
		time.Sleep(10 * ms)
		synctest.Wait()
		if got := d.o.Snapshot(); got.Routes[0].Served != 1 || got.Pools[0].Busy != 1 {
			t.Errorf("after the header: %+v; want it served, and its connection held", got)
		}
		d.wg.Wait()
		if !w.Flushed || w.before != 0 {
			t.Errorf("sent off: %v, with %d bytes of the body; want the header alone", w.Flushed, w.before)
		}
		truth := d.o.Truth()
		if w.Code != 200 || w.Body.String() != "xxx" || truth.Pools[0].Busy != 0 || truth.Routes[0].InFlight() != 0 {
			t.Errorf("in the end: %d %q, %+v; want the body, and nothing held", w.Code, w.Body, truth.Snapshot)
		}
		if r := truth.Records[0]; r.Ended != 1.005 || r.How != "served" {
			t.Errorf("record %+v; want it served, its body at 1.005 s", r)
		}
	})
}

func TestABadEndpointLeavesRequestsLying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1}, 10*ms))
		set(t, d, origin.Faults{Bad: origin.BadEndpoint{Hang: 1}, HangFor: 300 * ms})
		d.several(t.Context(), 2, "/x")
		if busy := d.o.Snapshot().Pools[0].Busy; busy != 0 {
			t.Errorf("%d slots are taken; want none, for nothing is done", busy)
		}
		wantEndings(t, d, []int{300, 300}, []int{500, 500})
	})
}

// flushing remembers how much of the body there was when the header was sent off.
type flushing struct {
	*httptest.ResponseRecorder
	before int
}

func (f *flushing) Flush() {
	if !f.Flushed {
		f.before = f.Body.Len()
	}
	f.ResponseRecorder.Flush()
}
