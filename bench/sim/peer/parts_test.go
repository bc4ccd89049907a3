package peer

import (
	"math/rand/v2"
	"testing"
	"time"

	"triage/bench/sim"
)

func TestHistogramQuantile(t *testing.T) {
	h := &histogram{}
	if got := h.quantile(0.9); got != 0 {
		t.Errorf("empty: got %v, want 0", got)
	}
	for i := range 1000 {
		h.add(time.Duration(i+1) * 100 * time.Microsecond)
	}
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0.5, 50 * ms}, {0.9, 90 * ms}, {1, 100 * ms}, {0, 100 * time.Microsecond}} {
		if got := h.quantile(c.q); !near(got.Seconds()/c.want.Seconds(), 1, 0.011) {
			t.Errorf("quantile %v: got %v, want %v within 1 %%", c.q, got, c.want)
		}
	}
	h.clear()
	for _, d := range []time.Duration{-time.Second, 0, time.Nanosecond, 300 * time.Hour} {
		h.add(d)
	}
	if h.n != 4 {
		t.Errorf("out of range: %d counted, want 4", h.n)
	}
}

func TestRoomOrder(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 1))
	q := &room{}
	var inside []*sim.Request
	for i := range 2000 {
		switch {
		case dice.IntN(3) > 0 || q.len() == 0:
			r := &sim.Request{ID: uint64(i), Class: dice.IntN(10)}
			q.add(r, r.Class, time.Duration(i))
			inside = append(inside, r)
		case dice.IntN(2) == 0:
			i := dice.IntN(len(inside))
			q.remove(inside[i].Policy.(*place))
			inside = append(inside[:i], inside[i+1:]...)
		}
		if len(inside) == 0 {
			continue
		}
		best, worst := inside[0], inside[0]
		for _, r := range inside { // in order of arrival
			if r.Class < best.Class {
				best = r
			}
			if r.Class >= worst.Class {
				worst = r
			}
		}
		if got := q.next().request; got != best {
			t.Fatalf("step %d: next is %d of rank %d, want %d of rank %d", i, got.ID, got.Class, best.ID, best.Class)
		}
		if got := q.worst().request; got != worst {
			t.Fatalf("step %d: worst is %d of rank %d, want %d of rank %d", i, got.ID, got.Class, worst.ID, worst.Class)
		}
		if got := q.oldest().request; got != inside[0] || q.len() != len(inside) {
			t.Fatalf("step %d: oldest is %d of %d, want %d of %d", i, got.ID, q.len(), inside[0].ID, len(inside))
		}
	}
}

func TestWarmAverage(t *testing.T) {
	a := warmAverage{window: 9, warmup: 2}
	for i, c := range []struct{ add, want float64 }{{10, 10}, {20, 15}, {115, 35}, {35, 35}} {
		if got := a.add(c.add); !near(got, c.want, 1e-9) {
			t.Errorf("sample %d: got %v, want %v", i, got, c.want)
		}
	}
}

func TestSeriesMedian(t *testing.T) {
	s := series{size: 5}
	for i, c := range []struct{ add, want float64 }{{9, 9}, {1, 1}, {8, 8}, {2, 2}, {7, 7}, {1, 2}, {1, 2}, {1, 1}} {
		s.add(c.add)
		if got := s.median(); got != c.want {
			t.Errorf("after value %d: got %v, want %v", i, got, c.want)
		}
	}
}
