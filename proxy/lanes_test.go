package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"triage/proxy"
	"triage/proxy/edge"
	"triage/proxy/route"
	"triage/proxy/upstream"
)

// onLane is one lane with a backend of its own that notes what it gets.
type onLane struct {
	address string
	backend string
	mu      sync.Mutex
	seen    []string
}

func newLane(t testing.TB, fast bool) *onLane {
	l := &onLane{}
	backend := httptest.NewServer(l)
	t.Cleanup(backend.Close)
	u, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	l.backend = u.Host
	l.address = laneBefore(t, u, fast, 5*time.Second)
	return l
}

// laneBefore is a proxy before an endpoint, by one of the lanes. It does not wait for clients for long, and for the endpoint as long as it is told.
func laneBefore(t testing.TB, u *url.URL, fast bool, patience time.Duration) (address string) {
	p, err := proxy.New(proxy.Settings{
		Name: "triage", Priorities: []string{"normal"},
		Routes:    []proxy.RouteSettings{{Rule: route.Rule{Name: "all", Path: "/*"}, Upstream: "app", Timeout: patience}},
		Upstreams: []proxy.UpstreamSettings{{Name: "app", Endpoints: []upstream.EndpointSettings{{URL: u}}, Observe: true, IdleTimeout: patience}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const short = 100 * time.Millisecond
	ln, err := edge.Listen(edge.Settings{Address: "127.0.0.1:0", Fast: fast, ReadHeader: short, Idle: short, Read: short})
	if err != nil {
		t.Fatal(err)
	}
	go ln.Serve(p, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

// ServeHTTP is the backend: it notes each request that came whole.
func (l *onLane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	h := r.Header.Clone()
	for _, own := range []string{"X-Request-Id", "Content-Length", "Connection"} {
		h.Del(own)
	}
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		fields = append(fields, fmt.Sprintf("%s=%q", name, h[name]))
	}
	l.mu.Lock()
	l.seen = append(l.seen, fmt.Sprintf("%s %q of %q, body %q, %s", r.Method, r.RequestURI, strings.ReplaceAll(r.Host, l.backend, "backend"), body, strings.Join(fields, " ")))
	l.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "seen")
}

// feed sends bytes and gives the statuses of the answers and what the backend saw.
func (l *onLane) feed(t testing.TB, text []byte) (statuses []int, seen []string) {
	l.mu.Lock()
	l.seen = nil
	l.mu.Unlock()
	c, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	go func() { _, _ = c.Write(text) }()
	r := bufio.NewReader(c)
	for {
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		statuses = append(statuses, response.StatusCode)
		// The answer to a HEAD has no body, whatever its length says; reading it as a body ends with the connection, or finds the next answer.
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return statuses, slices.Clone(l.seen)
}

// last closes the connection if what stands before it was whole.
const last = "GET /last HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n"

// agree checks that the fast lane lets through what the standard lane lets through, or less. The deadlines of the lanes are short, for most of what is
// fed waits for more; on a machine that is busy elsewhere they cut what is whole, so those that disagree are asked again, until they do so for long.
func agree(t *testing.T, fast, standard *onLane, text []byte) {
	t.Helper()
	text = append(bytes.Clone(text), last...)
	for end := time.Now().Add(20 * time.Second); ; {
		why := disagreement(t, fast, standard, text)
		if why == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s\n%q", why, text)
		}
	}
}

// disagreement says what is not as it should be, "" if nothing is.
func disagreement(t *testing.T, fast, standard *onLane, text []byte) string {
	statuses, onFast := fast.feed(t, text)
	_, onStandard := standard.feed(t, text)
	if len(onFast) > len(onStandard) {
		return fmt.Sprintf("the backend saw %d requests by the fast lane, %d by the standard lane\nfast %q\nstandard %q", len(onFast), len(onStandard), onFast, onStandard)
	}
	for i, got := range onFast {
		if got != onStandard[i] {
			return fmt.Sprintf("request %d is not the same to the backend:\nfast     %s\nstandard %s", i, got, onStandard[i])
		}
	}
	refused := slices.ContainsFunc(statuses, func(s int) bool { return s >= 400 })
	if len(onFast) < len(onStandard) && !refused {
		return fmt.Sprintf("the fast lane refused nothing (%v), and the backend saw %d requests instead of %d", statuses, len(onFast), len(onStandard))
	}
	return ""
}

// laneSeeds are requests plain and odd.
var laneSeeds = []string{
	"GET /a?b=c HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nX-A: 1\r\nX-A: 2\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\n\r\n", "DELETE /a HTTP/1.1\r\nHost: h\r\n\r\n", "PUT /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
	"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET //a/./b/../c%2e?x=%2f..%2f HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a%2fb HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a?? HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a|\"<> HTTP/1.1\r\nHost: h\r\n\r\n", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a;b=c HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a%zz HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a HTTP/1.0\r\nHost: h\r\n\r\n", "GET /a HTTP/1.1\r\nHost: h:8080\r\n\r\n", "GET /a HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", "GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", "GET /a HTTP/1.1\r\nHost:\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nConnection: X-A, Via, X-Forwarded-For\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nTE: trailers, deflate\r\nConnection: TE\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\nX_Forwarded_For: y\r\nVia: 1.0 a, 1.1 b\r\nVia: 1.1 c\r\nX-Triage-Degrade: z\r\nX-Priority: critical\r\nX-Request-Id: mine\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", "POST /a HTTP/1.1\r\nHost: h\r\nIdempotency-Key: k\r\nContent-Length: 3\r\n\r\nabc",
	"GET /a HTTP/1.1\r\nHost: h\r\nX-A:\r\nX-B: \t \r\nX-C: a  b\t\r\nx-d: \xe4\r\n\r\n", "GET /a HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", "GET /a HTTP/1.1\nHost: h\n\n", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
}

// What the fast lane accepts the standard lane accepts, and the backend sees the same.
func TestLanesAgree(t *testing.T) {
	fast, standard := newLane(t, true), newLane(t, false)
	for _, seed := range laneSeeds {
		agree(t, fast, standard, []byte(seed))
	}
}

func FuzzLanes(f *testing.F) {
	for _, seed := range laneSeeds {
		f.Add([]byte(seed))
	}
	fast, standard := newLane(f, true), newLane(f, false)
	f.Fuzz(func(t *testing.T, text []byte) {
		// Upgrades are tunnels, and answers to HEAD cannot be told from others without knowing what was asked.
		if len(text) > 8<<10 || bytes.Contains(bytes.ToLower(text), []byte("websocket")) || bytes.Contains(text, []byte("HEAD")) {
			return
		}
		agree(t, fast, standard, text)
	})
}
