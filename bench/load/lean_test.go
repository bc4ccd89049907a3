package load_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/bench/load"
	"triage/bench/load/wire"
)

func leanServer(t testing.TB, body int) string {
	t.Helper()
	s, err := wire.Listen("127.0.0.1:0", body)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return "http://" + s.Address()
}

// protocols are the ways of sending, each with a server that speaks it.
func protocols(t *testing.T, handler http.Handler) map[load.Protocol]string {
	plain := httptest.NewServer(handler)
	second := httptest.NewUnstartedServer(handler)
	second.Config.Protocols = &http.Protocols{}
	second.Config.Protocols.SetUnencryptedHTTP2(true)
	second.Start()
	t.Cleanup(plain.Close)
	t.Cleanup(second.Close)
	return map[load.Protocol]string{load.HTTP1: plain.URL, load.Lean: plain.URL, load.HTTP2: second.URL}
}

func TestEveryProtocolSendsTheSame(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		r.Write(body)
		_, text, _ := strings.Cut(body.String(), "\r\n\r\n")
		mu.Lock()
		seen[fmt.Sprintf("%s %s %s %s %s %s", r.Method, r.URL, r.Header.Get("X-Own"), r.Header.Get("X-All"), r.Header.Get("Cookie"), text)]++
		mu.Unlock()
	})
	for protocol, url := range protocols(t, handler) {
		t.Run(string(protocol), func(t *testing.T) {
			mu.Lock()
			clear(seen)
			mu.Unlock()
			got := run(t, load.Settings{
				Target: url, Protocol: protocol, Deadline: 30 * time.Second, Regular: true, Sessions: 1,
				Requests: []load.Request{
					{Route: "pay", Class: "critical", Method: "POST", Path: "/pay?x=1", Header: http.Header{"X-All": {"all"}}, Body: []byte("card=1"), SessionCookie: "sid"},
					{Route: "list", Class: "sheddable", Path: "/list"},
					{Route: "upload", Class: "sheddable", Method: "PUT", Path: "/up", Body: []byte(strings.Repeat("x", 50_000))},
				},
				Sign:   func(_ load.Arrival, h http.Header) { h.Set("X-Own", "own") },
				Phases: []load.Phase{{Name: "all", For: 100 * time.Millisecond, Rates: map[string]float64{"pay": 100, "list": 100, "upload": 50}}},
			})
			for _, c := range got.Classes {
				if c.Total.Served != c.Total.Offered || c.Total.Offered == 0 {
					t.Errorf("%s: got %+v, want all served", c.Class, c.Total.Counts)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if seen["POST /pay?x=1 own all sid=s0 card=1"] != 10 || seen["GET /list own   "] != 10 || len(seen) != 3 {
				t.Errorf("the server saw %.300v", seen)
			}
		})
	}
}

func TestLeanJudgesAsNetHTTPDoes(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refused":
			w.Header().Set("Proxy-Status", "triage")
			w.WriteHeader(503)
		case "/quota":
			w.WriteHeader(429)
		case "/degraded":
			w.Header().Set("X-Triage-Degraded", "stale")
		case "/error":
			w.WriteHeader(500)
		case "/half":
			w.Header().Set("Content-Length", "50")
			w.Write([]byte("x"))
		case "/slow":
			<-r.Context().Done()
		}
	})
	var before map[string]load.Counts
	servers := protocols(t, handler)
	for _, protocol := range []load.Protocol{load.HTTP1, load.Lean} {
		s := load.Settings{Target: servers[protocol], Protocol: protocol, Deadline: 30 * time.Second, Regular: true, Phases: []load.Phase{{Name: "all", For: 50 * time.Millisecond, Rates: map[string]float64{}}}}
		for _, path := range []string{"served", "refused", "quota", "degraded", "error", "half"} {
			s.Requests = append(s.Requests, load.Request{Route: path, Class: path, Path: "/" + path})
			s.Phases[0].Rates[path] = 100
		}
		got := map[string]load.Counts{}
		for _, c := range run(t, s).Classes {
			c.Total.Late = 0
			got[c.Class] = c.Total.Counts
		}
		if before == nil {
			before = got
			continue
		}
		for class, want := range before {
			if got[class] != want {
				t.Errorf("%s: %s got %+v, %s got %+v", class, load.HTTP1, want, load.Lean, got[class])
			}
		}
	}
	slow := load.Settings{
		Target: servers[load.Lean], Protocol: load.Lean, Deadline: 100 * time.Millisecond, Regular: true,
		Requests: []load.Request{{Route: "slow", Class: "slow", Path: "/slow"}},
		Phases:   []load.Phase{{Name: "all", For: 50 * time.Millisecond, Rates: map[string]float64{"slow": 20}}},
	}
	if got := run(t, slow).Classes[0].Total; got.GaveUp != 1 || got.Failed != 1 {
		t.Errorf("slow: got %+v, want one that gave up", got.Counts)
	}
}

func TestLeanFollowsUp(t *testing.T) {
	var sent atomic.Int32
	s := steady(100, 100*time.Millisecond, nil)
	s.Transport, s.Protocol, s.Deadline, s.Target = nil, load.Lean, 30*time.Second, leanServer(t, 10)
	s.OnEnd = func(e load.Ending) (load.Arrival, bool) {
		if e.Answer == nil || e.Answer.StatusCode != 200 {
			t.Errorf("got %+v, want an answer", e)
		}
		sent.Add(1)
		e.Arrival.Tag++
		e.Arrival.At = e.Ended + time.Millisecond
		return e.Arrival, e.Arrival.Tag < 3
	}
	if got := run(t, s); got.Classes[0].Total.Served != 30 || sent.Load() != 30 || got.InFlight != 0 {
		t.Errorf("got %+v, want 30 served: ten users, three requests each", got.Classes[0].Total.Counts)
	}
}

func TestLeanIsCutShort(t *testing.T) {
	defer goleak.VerifyNone(t)
	came := make(chan struct{}, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	s := steady(100, time.Hour, nil)
	s.Transport, s.Protocol, s.Deadline, s.Target = nil, load.Lean, 10*time.Minute, server.URL
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for range 5 {
			<-came
		}
		stop()
	}()
	g := newGenerator(t, s)
	if err := g.Run(ctx); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	got := g.Snapshot()
	if c := got.Classes[0].Total; c.Aborted < 5 || c.Aborted != c.Offered || got.InFlight != 0 {
		t.Errorf("got %+v, want all aborted", c.Counts)
	}
}

// saturate tries again if nothing ended in the time that was counted, in which a busy machine may have run somebody else.
func saturate(t *testing.T, s load.Saturation) (got load.Saturated, err error) {
	for begun := time.Now(); err == nil && got.Answered+got.Failed == 0 && time.Since(begun) < 30*time.Second; {
		got, err = load.Saturate(t.Context(), s)
	}
	return got, err
}

func TestSaturate(t *testing.T) {
	got, err := saturate(t, load.Saturation{Target: leanServer(t, 100), Request: load.Request{Path: "/"}, Users: 5, Warm: 10 * time.Millisecond, For: 100 * time.Millisecond})
	if err != nil || got.Answered == 0 || got.Failed != 0 || got.Rate <= 0 || got.P50 <= 0 || got.Max < got.P99 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := load.Saturate(t.Context(), load.Saturation{Target: "http://127.0.0.1:1", Request: load.Request{Path: "/"}}); err == nil {
		t.Error("no users: got no error")
	}
	got, err = saturate(t, load.Saturation{Target: "http://127.0.0.1:1", Request: load.Request{Path: "/"}, Users: 1, For: 30 * time.Millisecond})
	if err != nil || got.Answered != 0 || got.Failed == 0 || got.LastError == "" {
		t.Errorf("nobody there: got %+v, %v", got, err)
	}
}

// BenchmarkLean is a whole request in a closed loop of sixteen users, the server's part included.
func BenchmarkLean(b *testing.B) {
	target := strings.TrimPrefix(leanServer(b, 100), "http://")
	c := wire.New(wire.Settings{Address: target})
	defer c.Close()
	request := []byte("GET /cart HTTP/1.1\r\nHost: " + target + "\r\nUser-Agent: triage-bench\r\n\r\n")
	var left atomic.Int64
	left.Store(int64(b.N))
	var users sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 16 {
		users.Add(1)
		e := &wire.Exchange{Request: request, Safe: true}
		e.Done = func(*wire.Exchange) {
			if left.Add(-1) < 0 {
				users.Done()
				return
			}
			e.Deadline = time.Now().Add(time.Minute)
			c.Send(e)
		}
		e.Done(e)
	}
	users.Wait()
}
