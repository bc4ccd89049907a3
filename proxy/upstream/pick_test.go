package upstream_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"triage/proxy/upstream"
)

// simulate sends requests to the pool in virtual time: one starts every step, and lasts as many steps as service says
// for its endpoint. It gives each endpoint's share of the requests.
func simulate(p *upstream.Pool, requests int, service func(endpoint int) float64, pick func() *upstream.Endpoint) []float64 {
	ends := map[int][]*upstream.Endpoint{}
	count := make([]float64, len(p.Endpoints()))
	for now := range requests {
		for _, e := range ends[now] {
			e.End()
		}
		delete(ends, now)
		e := pick()
		e.Begin()
		count[e.Index]++
		end := now + max(1, int(service(e.Index)))
		ends[end] = append(ends[end], e)
	}
	for i := range count {
		count[i] /= float64(requests)
	}
	return count
}

func TestSlowEndpointGetsLess(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	service := func(endpoint int) float64 {
		if endpoint == 2 {
			return dice.ExpFloat64() * 200
		}
		return dice.ExpFloat64() * 20
	}
	p := pool(t, 1, 1, 1, 1)
	chosen := simulate(p, 20000, service, func() *upstream.Endpoint { e, _ := p.Pick(dice.Uint64(), nil); return e })

	blind := pool(t, 1, 1, 1, 1)
	random := simulate(blind, 20000, service, func() *upstream.Endpoint { return blind.Endpoints()[dice.IntN(4)] })

	if random[2] < 0.23 {
		t.Fatalf("share of the slow endpoint by blind choice: %.3f, want about 0.25", random[2])
	}
	if chosen[2] > 0.12 {
		t.Errorf("share of the slow endpoint: %.3f, want less than half of the blind %.3f", chosen[2], random[2])
	}
	if chosen[2] < 0.01 {
		t.Errorf("share of the slow endpoint: %.3f: it is starved", chosen[2])
	}
}

// TestWeights holds the shares against the weights, idle and under load, where simpler laws are far off.
func TestWeights(t *testing.T) {
	tests := []struct {
		name     string
		weights  []int
		inFlight float64
		within   float64
	}{
		{"1:3 idle", []int{1, 3}, 0, 0.01},
		{"1:3 with 2 in flight", []int{1, 3}, 2, 0.05},
		{"1:3 with 20 in flight", []int{1, 3}, 20, 0.03},
		{"canary 1:99 idle", []int{1, 99}, 0, 0.003},
		{"canary 1:99 with 10 in flight", []int{1, 99}, 10, 0.003},
		{"canary 1:99 with 300 in flight", []int{1, 99}, 300, 0.004},
		{"1:2:3:4 with 20 in flight", []int{1, 2, 3, 4}, 20, 0.03},
		{"equal", []int{5, 5, 5}, 10, 0.01},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(3, 4))
			p := pool(t, tt.weights...)
			service := func(int) float64 { return dice.ExpFloat64() * tt.inFlight }
			shares := simulate(p, 50000, service, func() *upstream.Endpoint { e, _ := p.Pick(dice.Uint64(), nil); return e })
			sum := 0
			for _, w := range tt.weights {
				sum += w
			}
			for i, w := range tt.weights {
				if want := float64(w) / float64(sum); math.Abs(shares[i]-want) > tt.within {
					t.Errorf("share of weight %d: %.4f, want %.4f ± %.3f", w, shares[i], want, tt.within)
				}
			}
		})
	}
}

func TestPickTakesTheLessLoaded(t *testing.T) {
	p := pool(t, 1, 1)
	busy := p.Endpoints()[0]
	busy.Begin()
	for dice := range uint64(200) {
		if e, _ := p.Pick(dice, nil); e == busy {
			t.Fatalf("dice %d: the busy one of two was picked", dice)
		}
	}
}

func TestPickLeavesOutTheUnusable(t *testing.T) {
	p := pool(t, 1, 1, 1, 1000)
	var counts [4]int
	for dice := range uint64(2000) {
		e, panicking := p.Pick(dice, func(e *upstream.Endpoint) bool { return e.Index < 2 })
		if panicking {
			t.Fatal("panicking although two are usable")
		}
		counts[e.Index]++
	}
	if counts[2]+counts[3] > 0 {
		t.Errorf("picks %v, want none of the unusable", counts)
	}
	if counts[0] < 900 || counts[1] < 900 {
		t.Errorf("picks %v, want the usable even", counts)
	}
}

func TestPickPanicsOnlyWhenNoneIsUsable(t *testing.T) {
	p := pool(t, 1, 1, 1)
	var counts [3]int
	for dice := range uint64(3000) {
		e, panicking := p.Pick(dice, func(*upstream.Endpoint) bool { return false })
		if !panicking {
			t.Fatal("not panicking although none is usable")
		}
		counts[e.Index]++
	}
	for i, n := range counts {
		if n < 900 {
			t.Errorf("endpoint %d was picked %d times of 3000, want all used evenly", i, n)
		}
	}
	if e, panicking := p.Pick(1, func(e *upstream.Endpoint) bool { return e.Index == 1 }); panicking || e.Index != 1 {
		t.Errorf("Pick = %d, %v, want the last usable one and no panic", e.Index, panicking)
	}
}

func TestPickOfOneAndNone(t *testing.T) {
	if e, panicking := pool(t).Pick(1, nil); e != nil || panicking {
		t.Errorf("Pick of none = %v, %v, want nil, false", e, panicking)
	}
	if e, panicking := pool(t, 1).Pick(1, nil); e == nil || panicking {
		t.Errorf("Pick of one = %v, %v, want it, false", e, panicking)
	}
}

func TestPickIsDeterministic(t *testing.T) {
	a, b := pool(t, 1, 2, 3), pool(t, 1, 2, 3)
	for dice := range uint64(500) {
		x, _ := a.Pick(dice, nil)
		y, _ := b.Pick(dice, nil)
		if x.Index != y.Index {
			t.Fatalf("dice %d: %d and %d", dice, x.Index, y.Index)
		}
		x.Begin()
		y.Begin()
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	p := pool(t, 1, 2, 3, 4)
	open := make([]bool, 4)
	open[1] = true
	dice := uint64(0)
	for name, usable := range map[string]func(*upstream.Endpoint) bool{
		"all":  nil,
		"some": func(e *upstream.Endpoint) bool { return !open[e.Index] },
		"none": func(*upstream.Endpoint) bool { return false },
	} {
		if got := testing.AllocsPerRun(200, func() {
			dice++
			e, _ := p.Pick(dice, usable)
			e.Begin()
			e.End()
		}); got != 0 {
			t.Errorf("Pick with %s usable allocates %v times, want 0", name, got)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for name, usable := range map[string]func(*upstream.Endpoint) bool{
		"all":     nil,
		"most":    func(e *upstream.Endpoint) bool { return e.Index != 3 },
		"panicky": func(*upstream.Endpoint) bool { return false },
	} {
		b.Run(name, func(b *testing.B) {
			p := pool(b, 1, 1, 1, 1, 1, 1, 1, 1)
			dice := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				dice++
				e, _ := p.Pick(dice, usable)
				e.Begin()
				e.End()
			}
		})
	}
}
