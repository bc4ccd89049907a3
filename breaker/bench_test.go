package breaker_test

import (
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"triage/breaker"
)

func TestAllocatesNothing(t *testing.T) {
	b, shut := newBreaker(t, breaker.Settings{}), newBreaker(t, breaker.Settings{OpenFor: time.Hour})
	open(t, shut)
	n := 0
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"healthy", func() { p, _ := b.Allow(); p.Done(breaker.Success) }},
		{"one in four fails", func() {
			p, _ := b.Allow()
			if n++; n%4 == 0 {
				p.Done(breaker.Failure)
			} else {
				p.Done(breaker.Success)
			}
		}},
		{"refused", func() { shut.Allow() }},
		{"asked", func() { b.Ready(); b.State(); b.RetryIn(); shut.Ready() }},
	} {
		if got := testing.AllocsPerRun(10000, c.run); got != 0 {
			t.Errorf("%s: %v allocations, want 0", c.name, got)
		}
	}
	if b.State() != breaker.Closed || shut.State() != breaker.Open {
		t.Errorf("states are %v and %v, want closed and open", b.State(), shut.State())
	}
}

func BenchmarkHealthy(b *testing.B) {
	x, _ := breaker.New(breaker.Settings{})
	b.ReportAllocs()
	for b.Loop() {
		p, _ := x.Allow()
		p.Done(breaker.Success)
	}
}

func BenchmarkHealthyParallel(b *testing.B) {
	x, _ := breaker.New(breaker.Settings{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p, _ := x.Allow()
			p.Done(breaker.Success)
		}
	})
}

// BenchmarkOneInThreeFails keeps the evidence over 0 most of the time.
func BenchmarkOneInThreeFails(b *testing.B) {
	x, _ := breaker.New(breaker.Settings{})
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		p, _ := x.Allow()
		if n++; n%3 == 0 {
			p.Done(breaker.Failure)
		} else {
			p.Done(breaker.Success)
		}
	}
}

func BenchmarkRefused(b *testing.B) {
	x, _ := breaker.New(breaker.Settings{OpenFor: time.Hour})
	for x.State() == breaker.Closed {
		p, _ := x.Allow()
		p.Done(breaker.Failure)
	}
	b.ReportAllocs()
	for b.Loop() {
		x.Allow()
	}
}

// BenchmarkGobreaker is what every request would cost if gobreaker heard of every request.
func BenchmarkGobreaker(b *testing.B) {
	x := gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{})
	b.ReportAllocs()
	for b.Loop() {
		done, _ := x.Allow()
		done(nil)
	}
}

func BenchmarkGobreakerParallel(b *testing.B) {
	x := gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			done, _ := x.Allow()
			done(nil)
		}
	})
}
