package origin

import (
	"math"
	"testing"
	"time"
)

func TestLognormalKeepsItsMean(t *testing.T) {
	const n = 400_000
	for _, sigma := range []float64{0, 0.3, 0.5, 1} {
		mean := 20 * time.Millisecond
		r := newRoute(RouteSettings{Service: mean, Sigma: sigma}, nil, 1, 0)
		var sum, logs, squares float64
		for range n {
			s, _ := r.begin()
			sum += s.Seconds()
			logs += math.Log(s.Seconds())
			squares += math.Log(s.Seconds()) * math.Log(s.Seconds())
		}
		// The standard error of the mean is mean·√(e^σ² − 1)÷√n: 0.2 % at σ = 1; five of them are allowed.
		if got, want := sum/n, mean.Seconds(); math.Abs(got-want) > 0.01*want {
			t.Errorf("sigma %v: mean of %d services: got %v s, want %v s", sigma, n, got, want)
		}
		spread := math.Sqrt(max(squares/n-(logs/n)*(logs/n), 0))
		if math.Abs(spread-sigma) > 0.01 {
			t.Errorf("sigma %v: spread of the logarithms: got %v", sigma, spread)
		}
	}
}

func TestLuckDependsOnSeedAndRouteOnly(t *testing.T) {
	draw := func(seed, index uint64, errorShare float64) (all [50]time.Duration) {
		r := newRoute(RouteSettings{Service: time.Second, Sigma: 0.5, ErrorShare: errorShare}, nil, seed, index)
		for i := range all {
			all[i], _ = r.begin()
		}
		return all
	}
	first := draw(7, 2, 0)
	if draw(7, 2, 0) != first || draw(7, 2, 0.5) != first {
		t.Error("the same seed and route drew different service times")
	}
	if draw(8, 2, 0) == first || draw(7, 3, 0) == first {
		t.Error("another seed, or another route, drew the same service times")
	}
}

func TestServiceBeginsWhenTheOneBeforeWasDue(t *testing.T) {
	p := newPool(PoolSettings{Name: "db", Size: 1}, &room{limit: 10})
	due := time.Now().Add(-3 * time.Millisecond) // the timer of the service before was noticed 3 ms late
	p.busy = 1
	early := &waiter{service: 10 * time.Millisecond, arrived: due.Add(-time.Second), grant: make(chan grant, 1)}
	late := &waiter{service: 10 * time.Millisecond, arrived: due.Add(time.Hour), grant: make(chan grant, 1)}
	p.waiters.PushBack(early)
	p.waiters.PushBack(late)

	p.release(due)
	g := <-early.grant
	if !g.start.Equal(due) || !g.due().Equal(due.Add(10*time.Millisecond)) {
		t.Errorf("waited since before: got %v to %v, want 10 ms from %v on", g.start, g.due(), due)
	}
	p.release(g.due())
	if g := <-late.grant; !g.start.Equal(late.arrived) {
		t.Errorf("came after the due instant: got start %v, want its arrival %v", g.start, late.arrived)
	}
}

func TestSpanStaysInRange(t *testing.T) {
	if got := lognormal(time.Hour, 5, 40); got != 24*time.Hour {
		t.Errorf("a service time beyond all bounds: got %v, want a day", got)
	}
}
