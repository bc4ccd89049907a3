package chance_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"triage/bench/chance"
)

func TestServicesKeepTheirMean(t *testing.T) {
	const n = 400_000
	const mean = 20 * time.Millisecond
	tests := map[string]struct {
		service chance.Service
		within  float64 // of the mean: five standard errors, where there are some
	}{
		"constant":      {chance.Service{Mean: mean}, 1e-9},
		"narrow":        {chance.Service{Mean: mean, Law: chance.Lognormal, Shape: 0.3}, 0.01},
		"wide":          {chance.Service{Mean: mean, Law: chance.Lognormal, Shape: 1}, 0.02},
		"exponential":   {chance.Service{Mean: mean, Law: chance.Exponential}, 0.01},
		"pareto":        {chance.Service{Mean: mean, Law: chance.Pareto, Shape: 3}, 0.01},
		"without a law": {chance.Service{}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := chance.New(7)
			sum := 0.0
			for range n {
				s := d.Service(test.service)
				if s < 0 {
					t.Fatalf("a service of %v s", s)
				}
				sum += s
			}
			if got, want := sum/n, test.service.Mean.Seconds(); math.Abs(got-want) > test.within*want+1e-12 {
				t.Errorf("mean of %d services: got %v s, want %v s", n, got, want)
			}
		})
	}
}

func TestLognormalHasItsSpread(t *testing.T) {
	const n = 200_000
	d := chance.New(3)
	var logs, squares float64
	for range n {
		l := math.Log(d.Service(chance.Service{Mean: time.Second, Law: chance.Lognormal, Shape: 0.5}))
		logs += l / n
		squares += l * l / n
	}
	if got := math.Sqrt(squares - logs*logs); math.Abs(got-0.5) > 0.01 {
		t.Errorf("spread of the logarithms: got %v, want 0.5", got)
	}
}

func TestOneStreamForEachNumber(t *testing.T) {
	d := chance.New(0)
	draw := func(number uint64) float64 { d.Reset(chance.Mix(number, chance.Failure)); return d.Float64() }
	first := draw(1)
	if draw(2) == first {
		t.Error("two numbers have the same luck")
	}
	if draw(1) != first {
		t.Error("one number has two kinds of luck")
	}
}

func TestMixDependsOnTheOrder(t *testing.T) {
	if chance.Mix(1, 2) == chance.Mix(2, 1) {
		t.Error("mixing 1 with 2 is the same as mixing 2 with 1")
	}
}

func TestBadServices(t *testing.T) {
	tests := map[string]chance.Service{
		"mean":         {Mean: -1},
		"an hour":      {Mean: 2 * time.Hour},
		"shape":        {Shape: math.NaN()},
		"more than 1":  {Law: chance.Pareto, Shape: 1},
		"distribution": {Law: 9},
	}
	for want, s := range tests {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v; want an error about %q", s, err, want)
		}
	}
}
