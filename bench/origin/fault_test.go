package origin_test

import (
	"testing"
	"testing/synctest"
	"time"

	"triage/bench/origin"
)

func TestSlowCountsForWhatBeginsAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 1}, 10*time.Millisecond))
		d.send(t.Context(), "/a")
		d.send(t.Context(), "/b")
		if err := d.o.Slow("db", 4); err != nil {
			t.Fatalf("Slow: %v", err)
		}
		pool := d.o.Snapshot().Pools[0]
		if pool.Capacity != 25 || pool.Speed != 0.25 {
			t.Errorf("one slot, 10 ms, four times slower: got %v/s, speed %v, want 25/s, 0.25", pool.Capacity, pool.Speed)
		}
		d.wg.Wait()
		if got, want := d.ends[1].at, 50*time.Millisecond; got != want {
			t.Errorf("the second ended at %v, want %v: 10 ms for the first, 40 ms for itself", got, want)
		}
	})
}

func TestFailAnswersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, onePool(origin.PoolSettings{Size: 100}, 10*time.Millisecond))
		if err := d.o.Fail("all", 0.3); err != nil {
			t.Fatalf("Fail: %v", err)
		}
		for range 2000 {
			before := time.Since(d.begun)
			d.send(t.Context(), "/x")
			d.wg.Wait()
			end := d.ends[len(d.ends)-1]
			if took := end.at - before; end.status == 500 && took != 0 {
				t.Fatalf("a failure took %v, want none", took)
			}
		}
		got := d.o.Snapshot().Routes[0]
		if got.Failed < 540 || got.Failed > 660 || got.Served+got.Failed != 2000 {
			t.Errorf("with a share of 0.3 of 2000: got %+v, want about 600 failed, the others served", got)
		}
		if err := d.o.Fail("all", 0); err != nil {
			t.Fatalf("Fail: %v", err)
		}
		d.send(t.Context(), "/x")
		d.wg.Wait()
		if end := d.ends[len(d.ends)-1]; end.status != 200 {
			t.Errorf("after Fail ended: got status %d, want 200", end.status)
		}
	})
}

func TestFaultsOnUnknownNamesAreErrors(t *testing.T) {
	o, err := origin.New(onePool(origin.PoolSettings{Size: 1}, 0))
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	for name, err := range map[string]error{
		"pool":   o.Slow("no", 2),
		"factor": o.Slow("db", 0),
		"route":  o.Fail("no", 0.5),
		"share":  o.Fail("all", -0.5),
	} {
		if err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
