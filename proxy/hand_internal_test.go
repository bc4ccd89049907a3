package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"triage/breaker"
	"triage/proxy/reason"
	"triage/proxy/route"
	"triage/proxy/upstream"
)

// handled is a proxy with two routes and two endpoints that count.
type handled struct {
	*Proxy
	urls  [2]string
	calls [2]atomic.Int64
	block chan struct{}
}

func newHandled(t *testing.T) *handled {
	t.Helper()
	h := &handled{block: make(chan struct{})}
	s := Settings{Name: "triage", Priorities: []string{"critical", "sheddable"}}
	us := UpstreamSettings{Name: "shop", Timeout: 5 * time.Second, ConnectTimeout: time.Second, IdleTimeout: 5 * time.Second, IdleConnections: 8}
	for i := range h.urls {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.calls[i].Add(1)
			if r.URL.Path == "/recs/wait" {
				<-h.block
			}
			io.WriteString(w, "ok")
		}))
		t.Cleanup(server.Close)
		h.urls[i] = server.URL
		target, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		us.Endpoints = append(us.Endpoints, upstream.EndpointSettings{URL: target})
	}
	s.Upstreams = []UpstreamSettings{us}
	for class, name := range []string{"checkout", "recs"} {
		s.Routes = append(s.Routes, RouteSettings{Rule: route.Rule{Name: name, Path: "/" + name + "/*"}, Upstream: "shop", Class: class, Breaker: breaker.Settings{FailureShare: 0.5}, SessionHeader: "Sid"})
	}
	var err error
	if h.Proxy, err = New(s); err != nil {
		t.Fatal(err)
	}
	return h
}

// get asks as a user, and gives the reason of a refusal, "" for an answer.
func (h *handled) get(path, user string) string {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Sid", user)
	r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", len(user), int(user[len(user)-1]))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusOK {
		return ""
	}
	_, details, _ := strings.Cut(w.Header().Get("Proxy-Status"), "details=")
	return strings.Trim(details, `"`)
}

func (h *handled) hand(t *testing.T, hand Hand) {
	t.Helper()
	if err := h.ByHand(hand); err != nil {
		t.Fatal(err)
	}
}

func TestShedByHandTakesTheSameUsers(t *testing.T) {
	h := newHandled(t)
	h.hand(t, Hand{Shed: map[string]float64{"recs": 0.5}})
	refused := 0
	for n := range 200 {
		user := fmt.Sprintf("user-%c%d", 'a'+n%26, n)
		first, again := h.get("/recs/x", user), h.get("/recs/x", user)
		if first != again {
			t.Fatalf("user %s: %q, then %q", user, first, again)
		}
		if first != "" {
			refused++
		}
	}
	if refused < 40 || refused > 160 {
		t.Errorf("%d of 200 users refused, want about half", refused)
	}
	if got := h.get("/checkout/x", "user-a"); got != "" {
		t.Errorf("another route: %q", got)
	}
	h.hand(t, Hand{Shed: map[string]float64{"recs": 1}})
	if got := h.get("/recs/x", "user-a"); got != reason.ByHand.String() {
		t.Errorf("all shed: %q, want by_hand", got)
	}
	h.hand(t, Hand{Shed: map[string]float64{"recs": 1}, Off: true})
	if got := h.get("/recs/x", "user-a"); got != "" {
		t.Errorf("killed: %q, want everything to pass", got)
	}
	h.hand(t, Hand{})
	if got := h.get("/recs/x", "user-a"); got != "" {
		t.Errorf("taken back: %q", got)
	}
}

func TestLimitByHand(t *testing.T) {
	h := newHandled(t)
	h.hand(t, Hand{Limits: map[string]int{"recs": 2}})
	done := make(chan string, 2)
	for range 2 {
		go func() { done <- h.get("/recs/wait", "user-a") }()
	}
	for h.calls[0].Load()+h.calls[1].Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	if got := h.get("/recs/x", "user-b"); got != reason.ByHand.String() {
		t.Errorf("a third one: %q, want by_hand", got)
	}
	h.hand(t, Hand{Limits: map[string]int{"recs": 3}}) // those under way still count
	if got := h.get("/recs/x", "user-b"); got != "" {
		t.Errorf("with a limit of three: %q", got)
	}
	close(h.block)
	for range 2 {
		if got := <-done; got != "" {
			t.Errorf("one that was let in: %q", got)
		}
	}
	if n := h.table.Load().route("recs").underWay.Load(); n != 0 {
		t.Errorf("%d count as under way, want none", n)
	}
}

func TestDrainByHand(t *testing.T) {
	h := newHandled(t)
	h.hand(t, Hand{Drained: map[string]bool{h.urls[0]: true}})
	for range 50 {
		h.get("/recs/x", "user-a")
	}
	if n := h.calls[0].Load(); n != 0 {
		t.Errorf("%d calls of the drained endpoint", n)
	}
	if !h.Snapshot().Upstreams[0].Endpoints[0].Drained {
		t.Error("the snapshot does not say that it is drained")
	}
	err := h.ByHand(Hand{Drained: map[string]bool{h.urls[0]: true, h.urls[1]: true}})
	if err == nil || !strings.Contains(err.Error(), "no endpoint left") {
		t.Errorf("draining the last one: %v", err)
	}
	if h.get("/recs/x", "user-a") != "" {
		t.Error("what was in force before does not work any more")
	}
	if err := h.Apply(h.latest); err != nil { // a reload
		t.Fatal(err)
	}
	before := h.calls[0].Load()
	for range 50 {
		h.get("/recs/x", "user-a")
	}
	if h.calls[0].Load() != before {
		t.Error("a reload takes back what was set by hand")
	}
	h.hand(t, Hand{})
	for range 50 {
		h.get("/recs/x", "user-a")
	}
	if h.calls[0].Load() == before {
		t.Error("taken back, the endpoint gets nothing")
	}
}

func TestBreakerClassAndModeByHand(t *testing.T) {
	h := newHandled(t)
	h.hand(t, Hand{Breakers: map[string]string{"recs": "open"}, Classes: map[string]int{"recs": 0}, Frozen: map[string]bool{"shop": true}})
	if got := h.get("/recs/x", "user-a"); got != reason.ByHand.String() {
		t.Errorf("breaker opened by hand: %q", got)
	}
	s := h.Snapshot()
	if s.Routes[1].Priority != "critical" || !s.Routes[1].Hand.Class || s.Upstreams[0].Mode != "observe" {
		t.Errorf("class %s, by hand %v, mode %s", s.Routes[1].Priority, s.Routes[1].Hand.Class, s.Upstreams[0].Mode)
	}
	h.hand(t, Hand{Breakers: map[string]string{"recs": "closed"}})
	b := h.table.Load().route("recs").breaker
	for range 100 {
		if p, ok := b.Allow(); ok {
			p.Done(breaker.Failure)
		}
	}
	if got := h.get("/recs/x", "user-a"); got != "" {
		t.Errorf("breaker closed by hand: %q", got)
	}
	h.hand(t, Hand{})
	if s := h.Snapshot(); s.Routes[1].Priority != "sheddable" || s.Upstreams[0].Mode != "enforce" {
		t.Errorf("taken back: class %s, mode %s", s.Routes[1].Priority, s.Upstreams[0].Mode)
	}
}

// TestByHandDoesNotAllocate holds the price of what is not used, and of what is.
func TestByHandDoesNotAllocate(t *testing.T) {
	h := newHandled(t)
	for name, hand := range map[string]Hand{"nothing": {}, "shed": {Shed: map[string]float64{"recs": 0.5}}, "limit": {Limits: map[string]int{"recs": 5}}} {
		h.hand(t, hand)
		x := &passage{table: h.table.Load(), route: h.table.Load().route("recs")}
		if got := testing.AllocsPerRun(200, func() {
			if x.route.byHand {
				x.byHand()
				x.handBack()
				x.handed = false
			}
		}); got != 0 {
			t.Errorf("%s by hand allocates %v times", name, got)
		}
	}
}
