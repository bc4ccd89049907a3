package proxy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"triage/proxy/route"
	"triage/proxy/upstream"
	"triage/shed"
)

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// shopOf is a proxy before a handler, with routes for a journey: /cart is stage 1, /pay stage 2, /open has no session at all.
func shopOf(t *testing.T, h http.HandlerFunc) *Proxy {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s := Settings{
		Name: "triage", Priorities: []string{"critical", "normal"}, SessionKey: shed.CohortKey{1},
		Upstreams: []UpstreamSettings{{Name: "app", Endpoints: []upstream.EndpointSettings{{URL: mustURL(t, server.URL), Weight: 1}}}},
		Routes: []RouteSettings{
			{Rule: route.Rule{Name: "cart", Path: "/cart"}, Upstream: "app", Class: 1, SessionCookie: "sid", SessionStage: 1},
			{Rule: route.Rule{Name: "pay", Path: "/pay"}, Upstream: "app", SessionCookie: "sid", SessionStage: 2},
			{Rule: route.Rule{Name: "mobile", Path: "/mobile"}, Upstream: "app", SessionHeader: "X-Session", SessionStage: 3},
			{Rule: route.Rule{Name: "open", Path: "/open"}, Upstream: "app", Class: 1},
		},
	}
	p, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// request is one of a client at an address; fields are "Name: value".
func request(path, address string, fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = address
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// asks gives what the law would be told of a request.
func asks(t *testing.T, p *Proxy, r *http.Request) (shed.Ask, *passage) {
	t.Helper()
	x := p.begin(r)
	if why := x.cover(); why != 0 {
		t.Fatalf("%s: %s", r.URL, why)
	}
	return x.ask(), x
}

const home = "203.0.113.7:999"

// A session's stage is what it was served, whatever it says of itself.
func TestStageIsWhatTheBackendServed(t *testing.T) {
	p := shopOf(t, func(w http.ResponseWriter, r *http.Request) {
		if name := r.URL.Query().Get("rename"); name != "" {
			http.SetCookie(w, &http.Cookie{Name: "other", Value: "x"})
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: name})
		}
		if r.URL.Query().Has("logout") {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "", MaxAge: -1})
		}
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(max(status, 200))
	})
	for i, step := range []struct {
		path, cookie string
		want         uint8 // of the cookie's session afterwards
		known        bool
	}{
		{"/cart?status=500", "sid=a", 0, false},
		{"/cart?status=404", "sid=a", 0, false},
		{"/open", "sid=a", 0, false},
		{"/cart", "sid=a", 1, true},
		{"/cart?status=503", "sid=a", 1, true},
		{"/pay?status=303", "sid=a", 2, true},
		{"/cart", "sid=a", 2, true},
		{"/cart?logout", "sid=b", 1, true},
		{"/pay", "sid=c; sid=d", 0, false},
		{"/cart?rename=a2", "sid=a", 2, true},
		{"/open", "sid=a2", 2, true},
		{"/cart?rename=new", "", 0, false},
		{"/open", "sid=new", 1, true},
	} {
		p.ServeHTTP(httptest.NewRecorder(), request(step.path, home, "Cookie", step.cookie))
		ask, x := asks(t, p, request("/cart", home, "Cookie", step.cookie))
		if ask.Stage != step.want || x.visit.known != step.known {
			t.Errorf("step %d, %s with %q: stage %d, known %v; want %d, %v", i, step.path, step.cookie, ask.Stage, x.visit.known, step.want, step.known)
		}
	}
	p.ServeHTTP(httptest.NewRecorder(), request("/mobile", home, "X-Session", "m"))
	if ask, _ := asks(t, p, request("/mobile", home, "x-session", "m")); ask.Stage != 3 {
		t.Errorf("a session by header: stage %d, want 3", ask.Stage)
	}
	if ask, _ := asks(t, p, request("/mobile", home, "X-Session", "m", "X-Session", "n")); ask.Stage != 0 {
		t.Errorf("a header that is there twice: stage %d, want 0", ask.Stage)
	}
	if ask, _ := asks(t, p, request("/mobile", home, "X-Session", "a")); ask.Stage != 0 {
		t.Errorf("a header with the value of somebody's cookie: stage %d, want 0", ask.Stage)
	}
}

// Ten thousand session ids that nobody has seen come from one address and are one cohort at stage 0; they leave no trace either.
func TestInventedSessionIdsAreOneCohort(t *testing.T) {
	p := shopOf(t, func(http.ResponseWriter, *http.Request) {})
	plain, _ := asks(t, p, request("/cart", home))
	for i := range 10_000 {
		ask, x := asks(t, p, request("/cart", home, "Cookie", fmt.Sprintf("sid=invented-%d", i)))
		if ask.Cohort != plain.Cohort || ask.Stage != 0 || x.visit.known {
			t.Fatalf("invented session %d: %+v; want what its address gets, %+v", i, ask, plain)
		}
	}
	slices := map[uint16]bool{}
	for i := range 1000 {
		ask, _ := asks(t, p, request("/cart", fmt.Sprintf("198.51.%d.%d:1", i/250, i%250)))
		slices[ask.Cohort/shed.Slices] = true
	}
	if len(slices) < shed.Slices*9/10 {
		t.Errorf("a thousand addresses are in %d slices; want nearly all of %d", len(slices), shed.Slices)
	}
	one, _ := asks(t, p, request("/cart", "[2001:db8:1:2::3]:1"))
	other, _ := asks(t, p, request("/cart", "[2001:db8:1:2:ffff::9]:1"))
	if one.Cohort != other.Cohort {
		t.Error("two addresses of one IPv6 network have two cohorts: a host has 2^64 of them to choose from")
	}
}

// A user keeps the slice when the address changes, and two users behind one address have places of their own in it.
func TestKnownSessionsKeepTheirSlice(t *testing.T) {
	p := shopOf(t, func(http.ResponseWriter, *http.Request) {})
	before, _ := asks(t, p, request("/cart", home, "Cookie", "sid=ann"))
	places := map[uint16]bool{}
	for _, sid := range []string{"ann", "bob", "cid", "dan"} {
		p.ServeHTTP(httptest.NewRecorder(), request("/cart", home, "Cookie", "sid="+sid))
		ask, _ := asks(t, p, request("/pay", "192.0.2.99:1", "Cookie", "sid="+sid))
		if ask.Cohort/shed.Slices != before.Cohort/shed.Slices {
			t.Errorf("%s is in slice %d from another address; want %d, where the session began", sid, ask.Cohort/shed.Slices, before.Cohort/shed.Slices)
		}
		places[ask.Cohort] = true
	}
	if len(places) < 3 {
		t.Errorf("four users behind one address have %d places", len(places))
	}
}

// A reload forgets nobody.
func TestSessionsOutliveAReload(t *testing.T) {
	p := shopOf(t, func(http.ResponseWriter, *http.Request) {})
	p.ServeHTTP(httptest.NewRecorder(), request("/pay", home, "Cookie", "sid=ann"))
	next := Settings{Name: "triage", Priorities: []string{"normal"}, SessionKey: shed.CohortKey{1}}
	for _, up := range p.table.Load().upstreams {
		next.Upstreams = append(next.Upstreams, up.settings)
	}
	next.Routes = []RouteSettings{{Rule: route.Rule{Name: "all", Path: "/*"}, Upstream: "app", SessionCookie: "sid"}}
	if err := p.Apply(next); err != nil {
		t.Fatal(err)
	}
	if ask, _ := asks(t, p, request("/elsewhere", home, "Cookie", "sid=ann")); ask.Stage != 2 {
		t.Errorf("stage %d after a reload, want 2", ask.Stage)
	}
}
