package sim_test

import (
	"testing"
	"time"

	"triage/bench/sim"
)

// refuser refuses everything, or all first attempts.
type refuser struct {
	sim.None
	firstOnly bool
	attempts  *int
	after     time.Duration
}

func (r refuser) Arrive(_ time.Duration, q *sim.Request) sim.Verdict {
	*r.attempts++
	if r.firstOnly && q.Attempt > 0 {
		return sim.Start
	}
	return sim.Refuse
}

func (r refuser) RetryAfter(time.Duration, *sim.Request) time.Duration { return r.after }

func TestRetries(t *testing.T) {
	failing := func(s *sim.Scenario) { s.Phases[0].Fail = map[string]float64{"a": 1} }
	stuck := func(s *sim.Scenario) {
		s.Phases[0].Hang, s.Phases[0].HangFor = map[string]float64{"a": 1}, time.Minute
		s.Resources[0].Size = 100000
		s.Clients.Deadline = time.Second
	}
	tests := []struct {
		name      string
		retry     sim.Retry
		change    func(*sim.Scenario)
		refuses   bool
		firstOnly bool
		want      float64 // attempts for each request
		served    bool
	}{
		{"none", sim.Retry{}, failing, false, false, 1, false},
		{"failures", sim.Retry{Times: 3, Failures: true}, failing, false, false, 4, false},
		{"failures do not count", sim.Retry{Times: 3, Refusals: true, Leaving: true}, failing, false, false, 1, false},
		{"unsafe requests are sent once", sim.Retry{Times: 3, Failures: true}, func(s *sim.Scenario) { failing(s); s.Routes[0].Unsafe = true }, false, false, 1, false},
		{"timeouts", sim.Retry{Times: 2, Leaving: true}, stuck, false, false, 3, false},
		{"refusals", sim.Retry{Times: 2, Refusals: true}, nil, true, false, 3, false},
		{"refusals until one is served", sim.Retry{Times: 2, Refusals: true, Backoff: 10 * time.Millisecond}, nil, true, true, 2, true},
	}
	for _, v := range tests {
		t.Run(v.name, func(t *testing.T) {
			s := plain(10, sim.Constant, 20)
			s.Phases[0].For = 20 * time.Second
			s.Phases = append(s.Phases, sim.Phase{Name: "quiet", For: 5 * time.Second, Fail: s.Phases[0].Fail})
			if v.change != nil {
				v.change(&s)
			}
			s.Clients.Retry = v.retry
			attempts := 0
			policy := func(sim.Facts) (sim.Policy, error) {
				return refuser{firstOnly: v.firstOnly, attempts: &attempts}, nil
			}
			if !v.refuses {
				policy = sim.NewNone
			}
			r := simulate(t, s, 1, policy)
			got := 0
			for _, w := range r.Windows {
				got += w[0].Attempts
			}
			offered := r.Phases[0]["a"].Offered
			if each := float64(got) / float64(offered); each < v.want-0.2 || each > v.want {
				t.Errorf("%.2f attempts for each of %d requests; want %.0f", each, offered, v.want)
			}
			if v.refuses && attempts != got {
				t.Errorf("the policy saw %d attempts, the result says %d", attempts, got)
			}
			if served := r.Phases[0]["a"].Share() == 1; served != v.served {
				t.Errorf("all served: %v; want %v", served, v.served)
			}
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	s := plain(10, sim.Constant, 20)
	s.Phases[0].For = 5 * time.Second
	s.Phases = append(s.Phases, sim.Phase{Name: "quiet", For: 10 * time.Second})
	s.Clients.Retry = sim.Retry{Times: 1, Refusals: true, Honour: true}
	attempts := 0
	r := simulate(t, s, 1, func(sim.Facts) (sim.Policy, error) {
		return refuser{firstOnly: true, attempts: &attempts, after: 7 * time.Second}, nil
	})
	for k, w := range r.Windows {
		at := time.Duration(k) * 500 * time.Millisecond
		if w[0].Admitted > 0 && at < 7*time.Second {
			t.Fatalf("a request came again %v after the beginning; it was told to wait for 7s", at)
		}
	}
	if got := r.Phases[0]["a"].Served; got != r.Phases[0]["a"].Offered {
		t.Errorf("%d of %d served; want all, later", got, r.Phases[0]["a"].Offered)
	}
}

// One refused stage ends a journey; users who leave of their own will have completed it.
func TestJourneys(t *testing.T) {
	s := plain(10, sim.Constant, 0)
	s.Routes = append(s.Routes, sim.Route{Name: "b", Class: 1, Steps: s.Routes[0].Steps})
	s.Journeys = []sim.Journey{{Name: "visit", Stages: []sim.Stage{{Route: "b", Leave: 0.5}, {Route: "a", Think: 100 * time.Millisecond}}}}
	s.Phases[0].Rates = map[string]float64{"visit": 20}
	s.Phases = append(s.Phases, sim.Phase{Name: "quiet", For: 5 * time.Second})
	whole, half := simulate(t, s, 1, sim.NewNone), simulate(t, s, 1, func(sim.Facts) (sim.Policy, error) { return classRefuser{}, nil })
	count := func(r *sim.Result) (completed, broken int) {
		for _, v := range r.Visits {
			completed, broken = completed+v.Completed, broken+v.Broken
		}
		return completed, broken
	}
	users := whole.Phases[0]["b"].Offered
	if completed, broken := count(whole); completed != users || broken != 0 {
		t.Errorf("with everything served %d of %d journeys are completed, %d broken", completed, users, broken)
	}
	if share := float64(whole.Phases[0]["a"].Offered) / float64(users); share < 0.45 || share > 0.55 {
		t.Errorf("%.2f of the users go on to the second stage; want half", share)
	}
	if completed, broken := count(half); completed+broken != users || broken != half.Phases[0]["a"].Offered+half.Phases[1]["a"].Offered {
		t.Errorf("with the second stage refused %d journeys are completed and %d broken of %d; want those broken that go on", completed, broken, users)
	}
}

// classRefuser refuses the most important class.
type classRefuser struct{ sim.None }

func (classRefuser) Arrive(_ time.Duration, r *sim.Request) sim.Verdict {
	if r.Class == 0 {
		return sim.Refuse
	}
	return sim.Start
}
