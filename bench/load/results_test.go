package load_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"triage/bench/load"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	proxyStatus := http.Header{"Proxy-Status": {`triage; error=connection_limit_reached`}}
	fallback := http.Header{"X-Triage-Degraded": {"fallback"}}
	one := load.Counts{Offered: 1}
	with := func(change func(*load.Counts)) load.Counts { c := one; change(&c); return c }
	served := with(func(c *load.Counts) { c.Served = 1 })
	degraded := with(func(c *load.Counts) { c.Degraded = 1 })
	refused := with(func(c *load.Counts) { c.Refused = 1 })
	failed := with(func(c *load.Counts) { c.Failed = 1 })
	gaveUp := with(func(c *load.Counts) { c.Failed, c.GaveUp = 1, 1 })
	tests := []struct {
		name   string
		answer *http.Response
		err    error
		want   load.Counts
	}{
		{"200", answer(200, nil), nil, served},
		{"302", answer(302, nil), nil, served},
		{"404 by a proxy", answer(404, proxyStatus), nil, served},
		{"200 fallback", answer(200, fallback), nil, degraded},
		{"429", answer(429, nil), nil, refused},
		{"429 by a proxy", answer(429, proxyStatus), nil, refused},
		{"503 by a proxy", answer(503, proxyStatus), nil, refused},
		{"503", answer(503, nil), nil, failed},
		{"503 fallback", answer(503, fallback), nil, failed},
		{"500", answer(500, nil), nil, failed},
		{"504 by a proxy", answer(504, proxyStatus), nil, failed},
		{"101", answer(101, nil), nil, failed},
		{"no answer", nil, io.ErrUnexpectedEOF, failed},
		{"deadline", nil, context.DeadlineExceeded, gaveUp},
		{"half a body", &http.Response{StatusCode: 200, Body: io.NopCloser(halfBody{})}, nil, failed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reply := func(*http.Request) (*http.Response, error) { return test.answer, test.err }
				got := run(t, steady(1, time.Second, reply)).Classes[0]
				if got.Total.Counts != test.want || got.Phases[0].Counts != test.want {
					t.Errorf("got %+v, in its phase %+v, want %+v", got.Total.Counts, got.Phases[0].Counts, test.want)
				}
			})
		})
	}
}

type halfBody struct{}

func (halfBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestResultsAreKeptByClassAndPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shop()
		s.Transport = takes(10 * time.Millisecond)
		var phases []string
		s.OnPhase = func(i int, p load.Phase) { phases = append(phases, p.Name) }
		got := run(t, s)
		if want := []string{"calm", "quiet", "crowd"}; !slices.Equal(phases, want) {
			t.Errorf("OnPhase: got %v, want %v", phases, want)
		}
		var want [2][3]uint64
		for _, a := range draw(t, s) {
			want[a.Request][a.Phase]++
		}
		for i, class := range got.Classes {
			for j, f := range class.Phases {
				if f.Offered != want[i][j] || f.Served != want[i][j] {
					t.Errorf("%s, phase %d: got %d offered, %d served, want %d", class.Class, j, f.Offered, f.Served, want[i][j])
				}
			}
		}
		if !got.Done || got.Phase != 2 || got.InFlight != 0 || got.Late != 0 {
			t.Errorf("at the end: got %+v, want done in phase 2, none in flight, none late", got)
		}
	})
}

func TestLastSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGenerator(t, steady(100, 3*time.Second, takes(400*time.Millisecond)))
		if got := g.Snapshot(); got.Phase != -1 || got.Elapsed != 0 || len(got.Classes) != 1 {
			t.Errorf("before the run: got %+v", got)
		}
		ended := make(chan error, 1)
		go func() { ended <- g.Run(t.Context()) }()
		for _, step := range []struct {
			at   time.Duration
			want load.Rates
		}{
			{550 * time.Millisecond, load.Rates{Offered: 100, Served: 20}}, // half a second so far; the answers came from 405 ms on
			{2050 * time.Millisecond, load.Rates{Offered: 100, Served: 100}},
			{3250 * time.Millisecond, load.Rates{Offered: 80, Served: 100}},
		} {
			time.Sleep(step.at - g.Snapshot().Elapsed)
			if got := g.Snapshot().Classes[0].LastSecond; got != step.want {
				t.Errorf("at %v: got %+v, want %+v", step.at, got, step.want)
			}
		}
		if err := <-ended; err != nil {
			t.Fatalf("Run: %v", err)
		}
	})
}
