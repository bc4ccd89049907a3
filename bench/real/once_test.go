package real

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"triage/bench/origin"
	"triage/bench/sim"
)

// here runs the backend in this process.
func here(t *testing.T) func(context.Context, Trial) (Backend, error) {
	return func(_ context.Context, tr Trial) (b Backend, err error) {
		settings, script := tr.Backend()
		o, err := origin.New(settings)
		if err != nil {
			return b, err
		}
		control := httptest.NewServer(origin.Control(o, script))
		server := httptest.NewServer(o)
		return Backend{Endpoints: []string{server.URL}, Control: control.URL, Stop: func() error {
			o.Stop()
			server.Close()
			control.Close()
			return nil
		}}, nil
	}
}

// gate is a proxy in this process that refuses all recs, and says that its limit is 7.
func gate(t *testing.T, ended <-chan struct{}) func(context.Context, Trial, Backend) (Front, error) {
	return func(_ context.Context, _ Trial, b Backend) (Front, error) {
		to, err := url.Parse(b.Endpoints[0])
		if err != nil {
			return Front{}, err
		}
		forward := httputil.NewSingleHostReverseProxy(to)
		forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/recs":
				w.Header().Set("Proxy-Status", `gate; error=connection_limit_reached; details="whim"`)
				w.Header().Set("Retry-After", "3")
				w.WriteHeader(http.StatusServiceUnavailable)
			case "/api/v1/status":
				w.Write([]byte(`{"upstreams": [{"groups": [{"limit": 3}, {"limit": 4}]}, {}]}`))
			default:
				forward.ServeHTTP(w, r)
			}
		}))
		return Front{URLs: []string{s.URL}, Admins: []string{s.URL}, Ended: ended, Stop: func() error { s.Close(); return nil }}, nil
	}
}

func short(t *testing.T) Trial {
	return trial(t, "two-innocents", Choice{Lasts: time.Second, Scale: 0.2})
}

func TestOnceSeesWhatClientsAndBackendSee(t *testing.T) {
	tr := short(t)
	var told atomic.Int32
	seen, err := Once(t.Context(), tr, Parts{here(t), gate(t, nil)}, func(p Progress) {
		if p.Phase != "" && p.Left <= time.Second {
			told.Add(1)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	crowd, err := sim.NewCrowd(tr.Scenario, tr.Dice)
	if err != nil {
		t.Fatal(err)
	}
	offered, recs := 0, 0
	for _, byRoute := range seen.Result.Phases {
		for name, tally := range byRoute {
			offered += tally.Offered
			if name == "recs" {
				recs += tally.Offered
				if tally.Refused != tally.Offered {
					t.Errorf("recs: %+v; want all refused", *tally)
				}
			} else if tally.Served+tally.Failed != tally.Offered {
				t.Errorf("%s: %+v; want none refused", name, *tally)
			}
		}
	}
	if offered != len(crowd.Arrivals()) || recs == 0 {
		t.Errorf("%d offered, %d of them recs; want the %d that were drawn", offered, recs, len(crowd.Arrivals()))
	}
	if n := seen.Result.Reasons["recs whim"]; n != recs {
		t.Errorf("reasons %v; want %d times recs whim", seen.Result.Reasons, recs)
	}
	admitted, begun := 0, uint64(0)
	for _, cells := range seen.Result.Windows {
		for _, c := range cells {
			admitted += c.Admitted
		}
	}
	for _, r := range seen.Backend.Routes {
		begun += r.Begun
	}
	if uint64(admitted) != begun {
		t.Errorf("%d admitted; the backend has seen %d", admitted, begun)
	}
	if l := seen.Result.Limits[5]; l != 7 {
		t.Errorf("limits %v; want 7", seen.Result.Limits)
	}
	if told.Load() == 0 {
		t.Error("no progress was told")
	}
}

// long is a trial that no test waits for.
func long(t *testing.T) Trial {
	tr := short(t)
	tr.Scenario = tr.Scenario.Stretched(60)
	tr.Scenario.Clients.Deadline = 50 * time.Millisecond
	return tr
}

// soon calls f once, when the run has gone on for a while.
func soon(f func()) func(Progress) {
	var once sync.Once
	return func(p Progress) {
		if p.Elapsed > 200*time.Millisecond {
			once.Do(f)
		}
	}
}

func TestARunThatIsCutShortIsTheBeginning(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen, err := Once(ctx, long(t), Parts{here(t), gate(t, nil)}, soon(cancel))
	if !errors.Is(err, ErrCut) || !errors.Is(err, context.Canceled) || !seen.Cut {
		t.Fatalf("got %v; want that it was cut short", err)
	}
	if lasts := seen.Scenario.Lasts(); lasts < 100*time.Millisecond || lasts > 30*time.Second || seen.Result.Phases[0]["static"].Offered == 0 {
		t.Errorf("%v of it, %+v; want its beginning with something in it", lasts, *seen.Result.Phases[0]["static"])
	}
}

func TestAProxyThatDiesInTheMiddle(t *testing.T) {
	ended := make(chan struct{})
	seen, err := Once(t.Context(), long(t), Parts{here(t), gate(t, ended)}, soon(func() { close(ended) }))
	if !errors.Is(err, ErrCut) || !strings.Contains(err.Error(), "the proxy ended in the middle") || seen.Result == nil {
		t.Errorf("got %v; want that the proxy ended, and what was measured", err)
	}
}

// counted is a gate of which it is known how often one was started, who was asked, and what was done with it.
type counted struct {
	mu     sync.Mutex
	asked  []int
	stands []bool
}

func (c *counted) front(t *testing.T) func(context.Context, Trial, Backend) (Front, error) {
	return func(ctx context.Context, tr Trial, b Backend) (Front, error) {
		n := len(c.asked)
		c.asked = append(c.asked, 0)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.asked[n]++
		}))
		stand := func(_ int, still bool) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.stands = append(c.stands, still)
			return nil
		}
		return Front{URLs: []string{s.URL}, Stand: stand, Stop: func() error { s.Close(); return nil }}, nil
	}
}

func TestSidecarsAreReplaced(t *testing.T) {
	tr := trial(t, "restart-in-the-crowd", Choice{Lasts: time.Second, Scale: 0.2})
	var c counted
	seen, err := Once(t.Context(), tr, Parts{here(t), c.front(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	before, after := 0, 0
	for i, byRoute := range seen.Result.Phases {
		for _, tally := range byRoute {
			if i < 2 {
				before += tally.Offered
			} else {
				after += tally.Offered
			}
		}
	}
	if len(c.asked) != 2 || c.asked[0] != before || c.asked[1] != after || after == 0 {
		t.Errorf("asked %v; want two fronts, %d before and %d after", c.asked, before, after)
	}
	_, err = Once(t.Context(), tr, Parts{here(t), gate(t, nil)}, nil)
	if err == nil || !strings.Contains(err.Error(), "not started here") {
		t.Errorf("a proxy that is not ours: got %v; want an error", err)
	}
}

func TestSidecarsStandStill(t *testing.T) {
	tr := trial(t, "noisy-neighbour", Choice{Lasts: time.Second, Scale: 0.1})
	tr.Scenario.Sidecars.StallEvery = 100 * time.Millisecond
	var c counted
	if _, err := Once(t.Context(), tr, Parts{here(t), c.front(t)}, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(c.stands); n < 4 || n%2 != 0 {
		t.Fatalf("it was told %d times; want several, and to go on in the end", n)
	}
	for i, still := range c.stands {
		if still != (i%2 == 0) {
			t.Errorf("it was told %v; want still and on by turns", c.stands)
		}
	}
}

func TestNothingWasMeasured(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	parts := Parts{here(t), func(ctx context.Context, tr Trial, b Backend) (Front, error) {
		cancel()
		return gate(t, nil)(ctx, tr, b)
	}}
	if seen, err := Once(ctx, long(t), parts, nil); err == nil || seen.Result != nil {
		t.Errorf("got %v and %v; want an error and nothing else", seen.Result, err)
	}
}

func TestNobodyAtTheTarget(t *testing.T) {
	for target, want := range map[string]string{
		"http://127.0.0.1:1": "nobody answers at the target", "127.0.0.1:1": "want a URL", "http://": "want a URL",
	} {
		_, err := Once(t.Context(), short(t), Parts{here(t), Target(target, "")}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v; want %q", target, err, want)
		}
	}
}

func TestATargetThatIsNoTriage(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := Target(s.URL, s.URL)(t.Context(), short(t), Backend{})
	if err == nil || !strings.Contains(err.Error(), "admin API") {
		t.Errorf("got %v; want an error about its admin API", err)
	}
	if f, err := Target(s.URL, "")(t.Context(), short(t), Backend{}); err != nil || f.URLs[0] != s.URL {
		t.Errorf("got %+v, %v; want the target", f, err)
	}
}
