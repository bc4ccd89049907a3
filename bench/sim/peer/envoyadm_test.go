package peer

import (
	"testing"
	"time"

	"triage/bench/sim"
)

func TestAdmissionProbability(t *testing.T) {
	for _, c := range []struct {
		name                string
		requests, successes int
		want                float64
	}{
		{"nothing yet", 0, 0, 0},
		{"one error in three", 3, 2, 0.2237},
		{"one error in five", 5, 4, 0.1316},
		{"one error in ten", 10, 9, 0.0478},
		{"all well", 1000, 1000, 0},
		{"exactly at the threshold", 1000, 950, 0},
		{"half fail", 1000, 500, 0.4732},
		{"all fail", 1000, 0, 0.80},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := admProbability(c.requests, c.successes); !near(got, c.want, 1e-4) {
				t.Errorf("%d of %d succeeded: got %.4f, want %.4f", c.successes, c.requests, got, c.want)
			}
		})
	}
}

// record has n admitted requests end so, 1 ms apart.
func record(s *stream, n int, o sim.Outcome) {
	for ended := 0; ended < n; {
		if r, v := s.arrive(0, s.id); v == sim.Start {
			s.done(r, ms, o)
			ended++
		}
	}
}

func refusedOf(s *stream, n int) float64 { return float64(n-s.admitted(n)) / float64(n) }

func TestAdmissionRejectsAtRandom(t *testing.T) {
	for _, c := range []struct {
		name               string
		successes, failing int
		o                  sim.Outcome
		want               float64
	}{
		{"healthy", 500, 0, sim.Failure, 0},
		{"half are errors", 500, 500, sim.Failure, 0.473},
		{"half time out", 500, 500, sim.Timeout, 0.473},
		{"all fail", 0, 1000, sim.Failure, 0.80},
		{"half of the clients leave", 500, 500, sim.Abandoned, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &stream{t: t, p: NewEnvoyADM(Settings{Seed: 7})}
			record(s, c.successes, sim.Success)
			record(s, c.failing, c.o)
			if got := refusedOf(s, 20_000); !near(got, c.want, 0.015) {
				t.Errorf("refused %.3f, want %.3f", got, c.want)
			}
		})
	}
}

func TestAdmissionForgetsAfterTheWindow(t *testing.T) {
	s := &stream{t: t, p: NewEnvoyADM(Settings{Seed: 7})}
	record(s, 1000, sim.Failure)
	last := s.now
	s.now = last + admWindow - 2*time.Second
	if got := refusedOf(s, 2000); got < 0.7 {
		t.Errorf("28 s later: refused %.3f, want about 0.8: the window is 30 s", got)
	}
	s.now = last + admWindow
	if got := refusedOf(s, 2000); got != 0 {
		t.Errorf("30 s later: refused %.3f, want none", got)
	}
	if p := s.p.(*EnvoyADM); len(p.history) != 0 || p.total != (admCounts{}) {
		t.Errorf("30 s later: %d slices and %+v left, want nothing", len(p.history), p.total)
	}
}
