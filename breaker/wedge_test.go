package breaker_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"triage/breaker"
)

// step is one thing that happens to a breaker in TestNeverWedges.
type step struct {
	what    string
	outcome breaker.Outcome
	which   int
	wait    time.Duration
}

func drawSteps(t *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			what:    rapid.SampledFrom([]string{"allow", "allow", "done", "again", "fail", "lose", "wait", "ask"}).Draw(t, "what"),
			outcome: breaker.Outcome(rapid.IntRange(0, 3).Draw(t, "outcome")),
			which:   rapid.IntRange(0, 1000).Draw(t, "which"),
			wait:    time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "wait")),
		}
	}), 0, 300).Draw(t, "steps")
}

// run is a breaker among callers that behave badly.
type run struct {
	b        *breaker.Breaker
	probes   int
	lease    time.Duration
	held     []breaker.Pass
	returned []breaker.Pass
	// leases are the deadlines of the probes that are out in the present half-open state.
	leases map[breaker.Pass]time.Time
}

func (r *run) allow() error {
	before := r.b.State()
	p, ok := r.b.Allow()
	if !ok {
		return nil
	}
	r.held = append(r.held, p)
	if before == breaker.Open {
		return fmt.Errorf("a request passed while open")
	}
	if before != breaker.HalfOpen {
		return nil
	}
	out := 1
	for _, deadline := range r.leases {
		if time.Now().Before(deadline) {
			out++
		}
	}
	r.leases[p] = time.Now().Add(r.lease)
	if out > r.probes {
		return fmt.Errorf("%d probes are out, want %d at most", out, r.probes)
	}
	return nil
}

func (r *run) do(s step) error {
	switch s.what {
	case "allow":
		return r.allow()
	case "done", "lose":
		if len(r.held) == 0 {
			return nil
		}
		i := s.which % len(r.held)
		p := r.held[i]
		r.held = append(r.held[:i], r.held[i+1:]...)
		if s.what == "done" {
			p.Done(s.outcome)
			r.returned = append(r.returned, p)
			delete(r.leases, p)
		}
	case "again":
		if len(r.returned) > 0 {
			r.returned[s.which%len(r.returned)].Done(s.outcome)
		}
	case "fail":
		for range 15 {
			if p, ok := r.b.Allow(); ok {
				p.Done(breaker.Failure)
			}
		}
	case "wait":
		time.Sleep(s.wait)
	case "ask":
		r.b.Ready()
		if wait := r.b.RetryIn(); wait < 0 {
			return fmt.Errorf("retry in %v", wait)
		}
	}
	return nil
}

// recover is a healthy backend with a request every 100 ms: the breaker must close and let everything pass.
func (r *run) recover(within time.Duration) error {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if p, ok := r.b.Allow(); ok {
			p.Done(breaker.Success)
		}
	}
	for range 100 {
		p, ok := r.b.Allow()
		if !ok {
			return fmt.Errorf("refused while %v, %v after the backend became healthy", r.b.State(), within)
		}
		p.Done(breaker.Success)
	}
	return nil
}

// TestNeverWedges: whatever callers do with their passes, once the backend is healthy and asked, the breaker closes: within
// the longest open period, a lease, another open period, the trial and the ramp.
func TestNeverWedges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := drawSteps(rt)
		s := breaker.Settings{
			Probes:   rapid.IntRange(1, 5).Draw(rt, "probes"),
			OpenFor:  time.Duration(rapid.Int64Range(1e6, 3e9).Draw(rt, "open for")),
			LeaseFor: time.Duration(rapid.Int64Range(1e6, 10e9).Draw(rt, "lease for")),
			RampFor:  time.Duration(rapid.Int64Range(1e6, 5e9).Draw(rt, "ramp for")),
		}
		var failed error
		synctest.Test(t, func(t *testing.T) {
			r := &run{probes: s.Probes, lease: s.LeaseFor, leases: map[breaker.Pass]time.Time{}}
			s.Notify = func(breaker.Change) { clear(r.leases) }
			r.b = newBreaker(t, s)
			for i, st := range steps {
				if failed = r.do(st); failed != nil {
					failed = fmt.Errorf("step %d, %+v: %w", i, st, failed)
					return
				}
			}
			failed = r.recover(2*30*time.Second + 2*s.LeaseFor + s.RampFor + 5*time.Second)
		})
		if failed != nil {
			rt.Fatal(failed)
		}
	})
}

// TestManyCallers is for the race detector: a backend that is well, broken and well again under a hundred callers.
func TestManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		b := newBreaker(t, breaker.Settings{LeaseFor: time.Second, Notify: l.add})
		start := time.Now()
		broken := func() bool {
			since := time.Since(start)
			return since > 10*time.Second && since < 20*time.Second
		}
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() {
				dice := rand.New(rand.NewPCG(1, uint64(i)))
				for time.Since(start) < 70*time.Second {
					time.Sleep(time.Duration(dice.Int64N(int64(200 * time.Millisecond))))
					b.Ready()
					p, ok := b.Allow()
					if !ok {
						b.RetryIn()
						continue
					}
					fails := broken()
					time.Sleep(time.Duration(dice.Int64N(int64(20 * time.Millisecond))))
					switch {
					case dice.IntN(100) == 0: // lost
					case fails:
						p.Done(breaker.Failure)
					default:
						p.Done(breaker.Success)
					}
				}
			})
		}
		callers.Wait()
		wantState(t, b, breaker.Closed)
		if l.changes[0].Time.Sub(start) < 10*time.Second || l.last().To != breaker.Closed {
			t.Errorf("changes are %+v, want the first after 10s and the last to closed", l.changes)
		}
	})
}
