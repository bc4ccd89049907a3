package load_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"triage/bench/load"
)

// transport is a service in memory.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, header http.Header) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader([]byte("body")))}
}

// takes answers 200 after d, or not at all if the client leaves before.
func takes(d time.Duration) transport {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return answer(200, nil), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// steady is one route at an even rate for a time.
func steady(rate float64, d time.Duration, f transport) load.Settings {
	return load.Settings{
		Target:    "http://shop",
		Requests:  []load.Request{{Route: "checkout", Class: "critical", Path: "/checkout"}},
		Phases:    []load.Phase{{Name: "all", For: d, Rates: map[string]float64{"checkout": rate}}},
		Regular:   true,
		Transport: f,
	}
}

func newGenerator(t *testing.T, s load.Settings) *load.Generator {
	t.Helper()
	g, err := load.New(s)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return g
}

func run(t *testing.T, s load.Settings) load.Snapshot {
	t.Helper()
	g := newGenerator(t, s)
	if err := g.Run(t.Context()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	return g.Snapshot()
}

func TestASlowServiceDoesNotSlowTheArrivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var mu sync.Mutex
		var sent []time.Duration
		hang := takes(time.Hour)
		s := shop()
		s.Transport = transport(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			sent = append(sent, time.Since(begun))
			mu.Unlock()
			return hang(r)
		})
		got := run(t, s)
		var want []time.Duration
		for _, a := range draw(t, s) {
			want = append(want, a.At)
		}
		slices.Sort(sent)
		if !slices.Equal(sent, want) {
			t.Errorf("%d requests were not sent at the %d instants that were drawn", len(sent), len(want))
		}
		if last := want[len(want)-1] + time.Second; got.Elapsed != max(last, 25*time.Second) {
			t.Errorf("the run took %v, want until the last deadline, %v", got.Elapsed, last)
		}
	})
}

func TestLatencyCountsFromTheIntendedInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steady(100, 100*time.Millisecond, takes(20*time.Millisecond))
		// Ten requests at 5, 15 … 95 ms; nothing is sent in the first 50 ms, as if the machine had been busy.
		s.OnPhase = func(int, load.Phase) { time.Sleep(50 * time.Millisecond) }
		got := run(t, s).Classes[0].Total
		if got.Served != 10 || got.Late != 4 {
			t.Errorf("got %d served, %d late, want 10, and 4 that were 15 to 45 ms behind", got.Served, got.Late)
		}
		if got.P99.Round(time.Millisecond) != 65*time.Millisecond || got.P50.Round(time.Millisecond) != 20*time.Millisecond {
			t.Errorf("got p50 %v, p99 %v, want 20ms and 65ms, 45 of them the sender's", got.P50, got.P99)
		}
	})
}

func TestClientsGiveUpAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steady(100, time.Second, takes(300*time.Millisecond))
		s.Deadline = 200 * time.Millisecond
		got := run(t, s)
		c := got.Classes[0].Total
		if c.Failed != 100 || c.GaveUp != 100 || c.Served != 0 {
			t.Errorf("got %+v, want 100 that gave up", c.Counts)
		}
		if c.P50 != s.Deadline {
			t.Errorf("p50: got %v, want the deadline, %v", c.P50, s.Deadline)
		}
		if want := 995*time.Millisecond + s.Deadline; got.Elapsed != want {
			t.Errorf("the run took %v, want %v: until the last client gave up", got.Elapsed, want)
		}
	})
}

func TestTheDeadlineCountsFromTheIntendedInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steady(1, time.Second, nil)
		s.Deadline = 200 * time.Millisecond
		s.OnPhase = func(int, load.Phase) { time.Sleep(600 * time.Millisecond) }
		// Wanted at 500 ms, sent at 600 ms, given up at 700 ms; the phase ends at 1 s.
		sent := make(chan time.Duration, 1)
		s.Transport = transport(func(r *http.Request) (*http.Response, error) {
			deadline, _ := r.Context().Deadline()
			sent <- time.Until(deadline)
			return answer(200, nil), nil
		})
		run(t, s)
		if got, want := <-sent, 100*time.Millisecond; got != want {
			t.Errorf("a client 100 ms late with 200 ms to wait: got %v left, want %v", got, want)
		}
	})
}

func TestAnAnswerAfterTheDeadlineIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := func(*http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return answer(200, nil), nil
		}
		if c := run(t, steady(10, time.Second, deaf)).Classes[0].Total; c.GaveUp != 10 || c.Served != 0 {
			t.Errorf("got %+v, want 10 that gave up", c.Counts)
		}
	})
}

func TestTooManyInFlightAreOverruns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steady(100, time.Second, takes(time.Hour))
		s.MaxInFlight = 30
		g := newGenerator(t, s)
		ended := make(chan error, 1)
		go func() { ended <- g.Run(t.Context()) }()
		time.Sleep(900 * time.Millisecond)
		if got := g.Snapshot().InFlight; got != 30 {
			t.Errorf("in flight: got %d, want 30", got)
		}
		if err := <-ended; err != nil {
			t.Fatalf("Run: %v", err)
		}
		c := g.Snapshot().Classes[0].Total
		if c.Offered != 100 || c.GaveUp != 30 || c.Overrun != 70 || c.Failed != 100 {
			t.Errorf("got %+v, want 100 offered, 30 sent and given up, 70 overruns", c.Counts)
		}
	})
}

func TestSessionsAreCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var requests []*http.Request
		s := steady(100, 10*time.Second, func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			requests = append(requests, r)
			return answer(200, nil), nil
		})
		s.Sessions = 3
		s.Requests[0].SessionCookie = "sid"
		s.Requests[0].Header = http.Header{"Cookie": {"a=1"}, "X-Zone": {"b"}, "Host": {"shop.example"}}
		run(t, s)
		// Read after the run: each request must have had a header of its own.
		seen := map[string]int{}
		for _, r := range requests {
			seen[r.Host+" "+r.Header.Get("X-Zone")+" "+r.Header.Get("Cookie")]++
		}
		if len(seen) != 3 {
			t.Errorf("got %d different requests, want 3: %v", len(seen), seen)
		}
		for _, want := range []string{"s0", "s1", "s2"} {
			if n := seen["shop.example b a=1; sid="+want]; n < 250 {
				t.Errorf("session %s: got %d of 1000 requests, want about a third: %v", want, n, seen)
			}
		}
	})
}

func TestTheLastPhaseIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := run(t, steady(1, time.Second, takes(0))).Elapsed; got != time.Second {
			t.Errorf("one request in the middle of a second: the run took %v, want 1s", got)
		}
	})
}

func TestACancelledRunEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 505*time.Millisecond)
		defer cancel()
		g := newGenerator(t, steady(100, time.Minute, takes(300*time.Millisecond)))
		if err := g.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run: got %v, want the context's error", err)
		}
		got := g.Snapshot()
		c := got.Classes[0].Total
		if got.Elapsed != 505*time.Millisecond || got.InFlight != 0 || !got.Done {
			t.Errorf("got %+v, want the end at 505 ms and none in flight", got)
		}
		if c.Failed != 0 || c.Served+c.Aborted != c.Offered || c.Aborted < 29 || c.Aborted > 31 {
			t.Errorf("got %+v, want about 30 aborted, the others served, none failed", c.Counts)
		}
	})
}

func TestAGeneratorRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGenerator(t, steady(1, time.Second, takes(0)))
		if err := g.Run(t.Context()); err != nil {
			t.Fatalf("Run: %v", err)
		}
		if err := g.Run(t.Context()); err == nil {
			t.Error("second Run: got no error")
		}
	})
}
