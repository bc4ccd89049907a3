package library_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"triage/bench/peer/facts"
	"triage/bench/peer/library"
)

// backend is one that answers what it is told to, after it was let go.
type backend struct {
	*httptest.Server
	status atomic.Int64
	asked  atomic.Int64
	hold   chan struct{} // nil: it answers at once
}

func newBackend(t *testing.T, hold chan struct{}) *backend {
	b := &backend{hold: hold}
	b.status.Store(http.StatusOK)
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		if b.hold != nil {
			<-b.hold
		}
		w.WriteHeader(int(b.status.Load()))
		fmt.Fprint(w, "of ", r.URL.Path)
	}))
	t.Cleanup(b.Close)
	return b
}

func told(b *backend, pools ...facts.Pool) facts.Facts {
	return facts.Facts{
		Endpoints: []string{b.URL}, Classes: []string{"critical", "least"}, Patience: time.Second, Pools: pools,
		Routes: []facts.Route{{Name: "checkout", Path: "/checkout"}, {Name: "recs", Path: "/recs", Class: 3}},
	}
}

var db = facts.Pool{Name: "db", Size: 2, Routes: []string{"recs"}}

func contender(t *testing.T, name string, f facts.Facts) http.Handler {
	t.Helper()
	h, err := library.Handler(t.Context(), name, f)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

var names = []string{"reverseproxy", "failsafe", "gobreaker", "gozero"}

// What cost is measured of lets everything through but what is below /refused/, where it lets nothing through.
func TestEveryBareContenderForwardsAndRefuses(t *testing.T) {
	const crowd = 300 // more than failsafe-go's limiter ever lets in by itself
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, make(chan struct{}))
			f := told(b)
			f.Connections = crowd
			h := contender(t, library.BarePrefix+name, f)
			for range 3 {
				if w := ask(h, "/refused/item"); w.Code != http.StatusTooManyRequests && w.Code != http.StatusServiceUnavailable {
					t.Errorf("below /refused/: %d, %q", w.Code, w.Body)
				}
			}
			if n := b.asked.Load(); n > 0 {
				t.Errorf("%d of what is refused reached the backend", n)
			}
			var asking sync.WaitGroup
			var odd atomic.Int64
			for range crowd {
				asking.Go(func() {
					if w := ask(h, "/recs"); w.Code != http.StatusOK || w.Body.String() != "of /recs" {
						odd.Add(1)
					}
				})
			}
			for b.asked.Load() < crowd && odd.Load() == 0 {
				time.Sleep(time.Millisecond)
			}
			close(b.hold)
			asking.Wait()
			if n := odd.Load(); n > 0 {
				t.Errorf("%d of %d at once were not forwarded", n, crowd)
			}
			if source := library.Source(library.BarePrefix + name); !strings.Contains(source, "/refused/") || library.Version(library.BarePrefix+name) == "" {
				t.Errorf("source of %d bytes, version %q", len(source), library.Version(library.BarePrefix+name))
			}
		})
	}
}

func TestEveryContenderForwards(t *testing.T) {
	for _, name := range names {
		for tuned, pools := range map[string][]facts.Pool{"advised": nil, "tuned": {db}} {
			t.Run(name+" "+tuned, func(t *testing.T) {
				h := contender(t, name, told(newBackend(t, nil), pools...))
				for _, path := range []string{"/checkout", "/recs"} {
					if w := ask(h, path); w.Code != http.StatusOK || w.Body.String() != "of "+path {
						t.Errorf("%s: %d, %q", path, w.Code, w.Body)
					}
				}
				if library.Source(name) == "" || library.Version(name) == "" {
					t.Errorf("source of %d bytes, version %q", len(library.Source(name)), library.Version(name))
				}
			})
		}
	}
}

func TestBadFacts(t *testing.T) {
	for _, c := range []struct{ name, endpoint, want string }{
		{"nginx", "http://127.0.0.1:1", "want reverseproxy"}, {"gozero", "127.0.0.1", "want a URL"}, {"failsafe", "", "no endpoint"},
	} {
		f := facts.Facts{}
		if c.endpoint != "" {
			f.Endpoints = []string{c.endpoint}
		}
		if _, err := library.Handler(t.Context(), c.name, f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %q: %v; want %q", c.name, c.endpoint, err, c.want)
		}
	}
}

// At the end of what is measured all clients hang up: that must change nothing for those who come next.
func TestBareContendersBearClientsThatHangUp(t *testing.T) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, make(chan struct{}))
			h := contender(t, library.BarePrefix+name, told(b))
			for n := range int64(10) {
				ctx, hangUp := context.WithCancel(t.Context())
				var answered atomic.Bool
				var asking sync.WaitGroup
				asking.Go(func() {
					h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/recs", nil).WithContext(ctx))
					answered.Store(true)
				})
				for b.asked.Load() <= n && !answered.Load() {
					time.Sleep(time.Millisecond)
				}
				hangUp()
				asking.Wait()
			}
			close(b.hold)
			if w := ask(h, "/recs"); w.Code != http.StatusOK {
				t.Errorf("after ten clients that hung up: %d", w.Code)
			}
		})
	}
}

// With its defaults gobreaker opens for all routes after more than five failures in a row; one for each route does not.
func TestGobreakerOpensForEverybodyOrNot(t *testing.T) {
	for _, c := range []struct {
		pools []facts.Pool
		want  int
	}{{nil, http.StatusServiceUnavailable}, {[]facts.Pool{db}, http.StatusOK}} {
		b := newBackend(t, nil)
		h := contender(t, "gobreaker", told(b, c.pools...))
		b.status.Store(http.StatusInternalServerError)
		for range 6 {
			if w := ask(h, "/recs"); w.Code != http.StatusInternalServerError {
				t.Fatalf("a failure of the backend became %d", w.Code)
			}
		}
		b.status.Store(http.StatusOK)
		if w := ask(h, "/checkout"); w.Code != c.want {
			t.Errorf("checkout after six failures of recs, pools %v: %d; want %d", c.pools, w.Code, c.want)
		}
	}
}

// A pool's true size bounds what reaches the backend, and the others wait.
func TestTunedContendersKeepToThePool(t *testing.T) {
	for _, name := range []string{"reverseproxy", "failsafe"} {
		t.Run(name, func(t *testing.T) {
			hold := make(chan struct{})
			b := newBackend(t, hold)
			f := told(b, db)
			f.Patience = time.Minute // nobody who waits is to give up
			h := contender(t, name, f)
			var asking sync.WaitGroup
			for range 4 {
				asking.Go(func() { ask(h, "/recs") })
			}
			for b.asked.Load() < 2 {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(50 * time.Millisecond) // for the others to come through if nothing holds them
			if n := b.asked.Load(); n != 2 {
				t.Errorf("%d at the backend; want the two that the pool has places for", n)
			}
			close(hold)
			asking.Wait()
			if n := b.asked.Load(); n != 4 {
				t.Errorf("%d reached the backend in the end; want all four", n)
			}
		})
	}
}

// A contender is served until its context is done, and says where.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	says := make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- library.Serve(ctx, "reverseproxy", "127.0.0.1:0", told(newBackend(t, nil)), writer(func(text string) { says <- text }))
	}()
	if line := <-says; !strings.HasPrefix(line, `{"listen":"127.0.0.1:`) {
		t.Errorf("it says %q", line)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

type writer func(string)

func (w writer) Write(p []byte) (int, error) { w(string(p)); return len(p), nil }

// go-zero's equation: so many as the best tenth of a second passed, times the shortest mean time. Twenty a tenth, 50 ms each: ten.
func TestShedderKeepsToItsEquation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library.NewShedder(0)
		time.Sleep(10 * time.Second) // on a tenth's border, and no tenth before
		for range 100 {              // half a second
			if !s.Allow(time.Now()) {
				t.Fatal("refused while nothing is wrong")
			}
			s.Done(time.Now(), 50*time.Millisecond, true)
			time.Sleep(5 * time.Millisecond)
		}
		in := 0
		for range 100 {
			if s.Allow(time.Now()) {
				in++
			}
		}
		if in != 100 {
			t.Errorf("%d of 100 in; want all: the average of what is in flight is still below", in)
		}
		for range 60 { // ends are what the average is fed with
			s.Done(time.Now(), 50*time.Millisecond, false)
		}
		if s.Allow(time.Now()) {
			t.Error("let in with forty in flight, where ten can be served")
		}
		for range 35 {
			s.Done(time.Now(), 50*time.Millisecond, false)
		}
		if !s.Allow(time.Now()) {
			t.Error("refused with five in flight, where ten can be served")
		}
	})
}
