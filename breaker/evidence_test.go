package breaker

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// source is a stream of outcomes at an even rate.
type source struct {
	rate, failing float64
	dice          *rand.Rand
}

// lawOf is the law of a share.
func lawOf(share float64) law { return newLaw(0.6*share, min(mostShare, 1.4*share)) }

// settled is the evidence of a route that has had this rate for long.
func (s source) settled() evidence {
	return evidence{memory: s.rate * halfLife.Seconds() / math.Ln2}
}

// runLength is the number of requests until the law opens, limit at most.
func (s source) runLength(l law, e evidence, limit int) int {
	gap := time.Duration(float64(time.Second) / s.rate)
	for n := 1; n < limit; n++ {
		var enough bool
		if e, enough = l.next(e, e.at+gap, 0, s.dice.Float64() < s.failing); enough {
			return n
		}
	}
	return limit
}

// With the share that routes have, what still succeeds now and then is left alone.
func TestEvidenceOfARoute(t *testing.T) {
	for _, c := range []struct {
		critical           bool
		failing, low, high float64
	}{
		{false, 1, 54, 56}, {false, 0.95, 95, 150}, {false, 0.9, 300, 1200}, {false, 0.8, 3e4, 1e5}, {false, 0.7, 1e5, 1e5},
		{true, 1, 145, 155}, {true, 0.98, 200, 400}, {true, 0.95, 1500, 15000}, {true, 0.9, 1e5, 1e5},
	} {
		p0, p1 := routeSpared, routeOpened
		if c.critical {
			p0, p1 = criticalSpared, criticalOpened
		}
		const runs = 20
		s := source{100, c.failing, rand.New(rand.NewPCG(1, 2))}
		sum := 0
		for range runs {
			sum += s.runLength(newLaw(p0, p1), s.settled(), 1e5)
		}
		if got := float64(sum) / runs; got < c.low || got > c.high {
			t.Errorf("%v fail, critical %v: mean run length is %.1f requests, want %v to %v", c.failing, c.critical, got, c.low, c.high)
		}
	}
}

func TestEvidenceRunLengths(t *testing.T) {
	for _, c := range []struct {
		name      string
		rate      float64
		failing   float64
		started   bool
		low, high float64
	}{
		{"all fail, just started", 10, 1, true, 9, 9},
		{"all fail, one a second", 1, 1, false, 13, 13},
		{"all fail, 100 a second", 100, 1, false, 17, 17},
		{"all fail, 400 a second", 400, 1, false, 19, 19},
		{"95 % fail, 100 a second", 100, 0.95, false, 18, 20},
		{"90 % fail, 100 a second", 100, 0.9, false, 20, 23},
		{"80 % fail, 100 a second", 100, 0.8, false, 26, 31},
		{"70 % fail, 100 a second", 100, 0.7, false, 38, 45},
		{"70 % fail, just started", 10, 0.7, true, 22, 26},
		{"70 % fail, one a second", 1, 0.7, false, 31, 35},
		{"70 % fail, 400 a second", 400, 0.7, false, 43, 48},
		{"50 % fail, 400 a second", 400, 0.5, false, 350, 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			const runs = 1000
			s := source{c.rate, c.failing, rand.New(rand.NewPCG(1, 2))}
			from, sum := s.settled(), 0
			if c.started {
				from = evidence{}
			}
			for range runs {
				sum += s.runLength(lawOf(0.5), from, 1e6)
			}
			if got := float64(sum) / runs; got < c.low || got > c.high {
				t.Errorf("mean run length is %.1f requests, want %v to %v", got, c.low, c.high)
			}
		})
	}
}

// TestEvidenceFalseAlarms compares the law with the Markov chain that it is for a share of 0.5 without forgetting: up one with
// p, down one with 1-p, from 0 to h, where the mean time from k to k+1 is (1 + (1-p)·(time from k-1 to k)) ÷ p.
func TestEvidenceFalseAlarms(t *testing.T) {
	chain := func(p float64, h int) float64 {
		step, sum := 0.0, 0.0
		for range h {
			step = 1/p + (1-p)/p*step
			sum += step
		}
		return sum
	}
	l := lawOf(0.5)
	t.Run("the chain is the law", func(t *testing.T) {
		const runs = 300
		s := source{400, 0.45, rand.New(rand.NewPCG(3, 4))}
		sum := 0
		for range runs {
			sum += s.runLength(l, s.settled(), 1e6)
		}
		// 19 failures' worth is the threshold at 400 requests a second. Forgetting makes runs a little longer.
		got, want := float64(sum)/runs, chain(0.45, 19)
		if got < 0.9*want || got > 1.2*want {
			t.Errorf("mean run length is %.0f, want about %.0f", got, want)
		}
	})
	for _, rate := range []float64{100, 400, 10000} {
		h := int(math.Ceil(l.threshold(source{rate: rate}.settled()) / l.up))
		days := chain(0.3, h) / rate / 86400
		if days < 0.8 || days > 4 {
			t.Errorf("at %v requests a second with 30 %% errors: a false opening every %.2f days (%d failures), want about one",
				rate, days, h)
		}
	}
}

func TestEvidenceNeverOpens(t *testing.T) {
	for _, c := range []struct {
		name    string
		rate    float64
		failing float64
		n       int
	}{
		{"30 % fail at peak", 400, 0.3, 2e6},
		{"one in three at night", 1.0 / 60, 0.34, 1e6},
		{"all fail, once an hour", 1.0 / 3600, 1, 1e5},
		{"10 % fail", 10, 0.1, 1e6},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := source{c.rate, c.failing, rand.New(rand.NewPCG(5, 6))}
			if got := s.runLength(lawOf(0.5), evidence{}, c.n); got != c.n {
				t.Errorf("opened after %d requests, want never in %d", got, c.n)
			}
		})
	}
}

func TestEvidenceOfOtherShares(t *testing.T) {
	for _, share := range []float64{0.001, 0.05, 0.2, 0.5, 0.7, 1} {
		l := lawOf(share)
		dice := rand.New(rand.NewPCG(7, 8))
		if got := (source{10, 1, dice}).runLength(l, evidence{}, 100); got > 20 {
			t.Errorf("share %v: opened after %d failures in a row, want 20 at most", share, got)
		}
		if got := (source{10, share / 2, dice}).runLength(l, source{rate: 10}.settled(), 1e5); got != 1e5 {
			t.Errorf("share %v: opened after %d requests of which half the share failed, want never", share, got)
		}
	}
}

func TestEvidenceForgets(t *testing.T) {
	l := lawOf(0.5)
	e := evidence{}
	for range 8 {
		e, _ = l.next(e, 0, 0, true)
	}
	half := l.forget(e, halfLife, 0)
	if got, want := half.sum, e.sum/2; math.Abs(got-want) > 1e-9 {
		t.Errorf("after a half-life: evidence %v, want %v", got, want)
	}
	if got, want := half.memory, 4.0; math.Abs(got-want) > 1e-9 {
		t.Errorf("after a half-life: memory %v, want %v", got, want)
	}
	gone := l.forget(e, time.Hour, 0)
	if gone.sum != 0 || gone.seen != 0 || gone.failed != 0 {
		t.Errorf("after an hour: %+v, want no evidence and no counts", gone)
	}
	if back := l.forget(half, 0, 0); back.sum != half.sum || back.at != half.at {
		t.Errorf("time went back: %+v, want %+v", back, half)
	}
}

// TestEvidenceOfCalm demands that successes counted in bulk weigh as if they had been observed one by one.
func TestEvidenceOfCalm(t *testing.T) {
	l := lawOf(0.5)
	const n, gap = 60000, 5 * time.Millisecond
	single := evidence{}
	for i := range time.Duration(n) {
		single, _ = l.next(single, (i+1)*gap, 0, false)
	}
	bulk := l.forget(evidence{}, n*gap, n)
	if math.Abs(single.memory/bulk.memory-1) > 1e-3 {
		t.Errorf("memory of %d successes: %v in bulk, want %v as one by one", n, bulk.memory, single.memory)
	}
}

func TestEvidenceStaysFinite(t *testing.T) {
	l := lawOf(1)
	e := evidence{}
	for _, at := range []time.Duration{0, math.MaxInt64, 0, math.MinInt64, math.MaxInt64} {
		e, _ = l.next(e, at, math.MaxUint64, true)
		if math.IsNaN(e.sum) || math.IsInf(e.sum, 0) || math.IsNaN(e.memory) || math.IsInf(e.memory, 0) {
			t.Fatalf("at %v: %+v", at, e)
		}
	}
}
