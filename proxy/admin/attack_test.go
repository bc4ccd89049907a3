package admin_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"triage/proxy/admin"
)

// attack is one request that must be turned away, or a harmless twin that must not.
type attack struct {
	name, request string
	header        []string
	status        int
}

func (a attack) run(t *testing.T, f *fixture) {
	t.Run(a.name, func(t *testing.T) {
		f.reloads = nil
		r := call(f.handler(t), a.request, a.header...)
		if r.StatusCode != a.status {
			t.Errorf("%s %v: got status %d, want %d: %s", a.request, a.header, r.StatusCode, a.status, body(t, r))
		}
		if reloaded := len(f.reloads) > 0; reloaded != (a.status == 200 && a.request == "POST /api/v1/reload") {
			t.Errorf("%s %v: reloaded is %v with status %d", a.request, a.header, reloaded, a.status)
		}
		if r.StatusCode >= 400 && r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("the error is %q, want application/problem+json", r.Header.Get("Content-Type"))
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
			"Cache-Control": "no-store", "Access-Control-Allow-Origin": "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	})
}

func TestAttacksWithoutTokens(t *testing.T) {
	f := newFixture()
	f.settings.Hosts = []string{"triage.internal", "fd00::1"}
	const reload = "POST /api/v1/reload"
	for _, a := range []attack{
		{"local name", "GET /api/v1/status", nil, 200},
		{"address", "GET /api/v1/status", []string{"Host: 127.0.0.1:9901"}, 200},
		{"address without port", "GET /api/v1/status", []string{"Host: 127.0.0.1"}, 200},
		{"address in brackets", "GET /api/v1/status", []string{"Host: [::1]:9901"}, 200},
		{"listed name", "GET /api/v1/status", []string{"Host: Triage.Internal.:9901"}, 200},
		{"listed address", "GET /api/v1/status", []string{"Host: [fd00::1]"}, 200},
		{"rebound name", "GET /api/v1/status", []string{"Host: evil.example:9901"}, 421},
		{"name that begins well", "GET /api/v1/status", []string{"Host: localhost.evil.example"}, 421},
		{"name that ends well", "GET /api/v1/status", []string{"Host: evil-triage.internal"}, 421},
		{"other address", "GET /api/v1/status", []string{"Host: 192.0.2.1:9901"}, 421},
		{"no name", "GET /api/v1/status", []string{"Host: "}, 421},
		{"rebound reload", reload, []string{"Host: evil.example"}, 421},
		{"rebound metrics", "GET /metrics", []string{"Host: evil.example"}, 421},

		{"command line", reload, nil, 200},
		{"same origin", reload, []string{"Sec-Fetch-Site: same-origin", "Origin: http://localhost:9901"}, 200},
		{"cross-site form", reload, []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
		{"same-site form", reload, []string{"Sec-Fetch-Site: same-site"}, 403},
		{"old browser", reload, []string{"Origin: https://evil.example"}, 403},
		{"other port", reload, []string{"Origin: http://localhost:8080"}, 403},
		{"sandboxed frame", reload, []string{"Origin: null"}, 403},

		{"change by GET", "GET /api/v1/reload", nil, 405},
		{"change by HEAD", "HEAD /api/v1/reload", nil, 405},
		{"preflight", "OPTIONS /api/v1/reload", []string{"Origin: https://evil.example"}, 405},
		{"method override", "GET /api/v1/reload", []string{"X-HTTP-Method-Override: POST"}, 405},
		{"unknown method", "BREW /api/v1/status", nil, 405},
		{"unknown path", "GET /api/v1/secrets", nil, 404},
		{"path with a slash", "POST /api/v1/reload/", nil, 404},
		{"path with dots", "GET /api/v1/x/../status", nil, 404},
		{"escaped path", "GET /api%2fv1%2fstatus%00", nil, 404},
		{"root", "GET /", nil, 404},
		{"profiles", "GET /debug/pprof/", nil, 404},
	} {
		a.run(t, f)
	}
}

func TestAttacksWithTokens(t *testing.T) {
	f := newFixture()
	f.settings.Tokens = tokens()
	bearer := func(token string) []string { return []string{"Authorization: Bearer " + token} }
	const reload = "POST /api/v1/reload"
	for _, a := range []attack{
		{"viewer looks", "GET /api/v1/status", bearer(viewerToken), 200},
		{"viewer scrapes", "GET /metrics", bearer(viewerToken), 200},
		{"viewer reloads", reload, bearer(viewerToken), 403},
		{"operator reloads", reload, bearer(operatorToken), 200},
		{"admin reloads", reload, bearer(adminToken), 200},
		{"no token", "GET /api/v1/status", nil, 401},
		{"no token, metrics", "GET /metrics", nil, 401},
		{"no token, unknown path", "GET /api/v1/secrets", nil, 401},
		{"no token, reload", reload, nil, 401},
		{"empty token", reload, bearer(""), 401},
		{"wrong token", reload, bearer("operator-012345678X"), 401},
		{"part of a token", reload, bearer(operatorToken[:16]), 401},
		{"token and more", reload, bearer(operatorToken + "0"), 401},
		{"two tokens", reload, bearer(viewerToken + " " + operatorToken), 401},
		{"other scheme", reload, []string{"Authorization: Basic " + operatorToken}, 401},
		{"no scheme", reload, []string{"Authorization: " + operatorToken}, 401},
		{"second field", reload, []string{"Authorization: Bearer x", "Authorization: Bearer " + operatorToken}, 401},
		{"token in the query", "GET /api/v1/status?access_token=" + viewerToken, nil, 401},
		{"cross-site with a token", reload, []string{"Authorization: Bearer " + operatorToken, "Sec-Fetch-Site: cross-site"}, 403},
		{"rebound with a token", reload, []string{"Authorization: Bearer " + operatorToken, "Host: evil.example"}, 421},
	} {
		a.run(t, f)
	}
}

func TestRefusalsSayWhatIsWanted(t *testing.T) {
	f := newFixture()
	f.settings.Tokens = tokens()
	h := f.handler(t)
	if got := call(h, "GET /metrics").Header.Get("WWW-Authenticate"); got != `Bearer realm="triage"` {
		t.Errorf("without a token: WWW-Authenticate is %q", got)
	}
	if got := call(h, "POST /api/v1/reload", "Authorization: Bearer "+viewerToken).Header.Get("WWW-Authenticate"); !strings.Contains(got, "insufficient_scope") {
		t.Errorf("with too low a role: WWW-Authenticate is %q", got)
	}
	if got := f.log.String(); !strings.Contains(got, "denied") || !strings.Contains(got, "who=wall") || strings.Contains(got, viewerToken) {
		t.Errorf("log of a denied reload: %s", got)
	}
	for request, want := range map[string]string{"POST /metrics": "GET, HEAD", "GET /api/v1/reload": "POST", "POST /livez": "GET, HEAD"} {
		if got := call(h, request, "Authorization: Bearer "+adminToken).Header.Get("Allow"); got != want {
			t.Errorf("%s: Allow is %q, want %q", request, got, want)
		}
	}
}

// TestAddressOfTheConnectionIsItsName: a scraper calls a pod by its address, whichever it is.
func TestAddressOfTheConnectionIsItsName(t *testing.T) {
	h := newFixture().handler(t)
	pod := &net.TCPAddr{IP: net.ParseIP("10.1.2.3"), Port: 9901}
	for _, c := range []struct {
		local  net.Addr
		host   string
		status int
	}{
		{pod, "10.1.2.3:9901", 200}, {pod, "10.1.2.4:9901", 421}, {pod, "evil.example:9901", 421}, {pod, "[::ffff:10.1.2.3]:9901", 200},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}, "[fe80::1]:9901", 200},
		{&net.UnixAddr{Name: "/run/triage.sock", Net: "unix"}, "anything", 200},
	} {
		r := httptest.NewRequest("GET", "/api/v1/status", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.local)))
		if w.Code != c.status {
			t.Errorf("Host %q on %v: got %d, want %d", c.host, c.local, w.Code, c.status)
		}
	}
}

// pipe is a listener whose only connection is in memory, so that time in a bubble may pass.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipe) Close() error   { close(p.done); return nil }
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// TestBodies sends bodies that nobody asked for over a served connection.
func TestBodies(t *testing.T) {
	const head = "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\n"
	for _, c := range []struct {
		name, request string
		// more is sent again and again, each time after a second.
		more    string
		status  int
		reloads int
	}{
		{"none", head + "Content-Length: 0\r\n\r\n", "", 200, 1},
		{"small", head + "Content-Length: 2\r\n\r\n{}", "", 200, 1},
		{"giant", head + "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), "", 413, 0},
		{"giant, chunked", head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 20), "", 413, 0},
		{"endless promise", head + "Content-Length: 9223372036854775807\r\n\r\n", "x", 408, 0},
		{"none of it comes", head + "Content-Length: 10\r\n\r\n", "", 408, 0},
		{"slow", head + "Content-Length: 1000\r\n\r\n", "x", 408, 0},
		{"broken", head + "Transfer-Encoding: chunked\r\n\r\nZZ\r\n", "", 400, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture()
				listener := &pipe{make(chan net.Conn, 1), make(chan struct{})}
				server := admin.Server(f.handler(t))
				served := make(chan error)
				go func() { served <- server.Serve(listener) }()
				client, far := net.Pipe()
				listener.conns <- far
				go trickle(client, c.request, c.more)

				start := time.Now()
				r, err := http.ReadResponse(bufio.NewReader(client), nil)
				if err != nil {
					t.Fatalf("after %v: %v", time.Since(start), err)
				}
				if r.StatusCode != c.status || len(f.reloads) != c.reloads {
					t.Errorf("got status %d and %d reloads, want %d and %d", r.StatusCode, len(f.reloads), c.status, c.reloads)
				}
				if took := time.Since(start); took > 15*time.Second {
					t.Errorf("the answer took %v", took)
				}
				_ = client.Close()
				_ = server.Close()
				<-served
				// net/http lingers half a second over a connection that it cut off.
				time.Sleep(time.Second)
			})
		})
	}
}

func trickle(w io.Writer, request, more string) {
	_, err := io.WriteString(w, request)
	for err == nil && more != "" {
		time.Sleep(time.Second)
		_, err = io.WriteString(w, more)
	}
}

// FuzzRequest: nothing that can be written into a request without a token changes anything or crashes the API.
func FuzzRequest(f *testing.F) {
	f.Add("POST", "/api/v1/reload", "localhost", "Bearer x", "")
	f.Add("GET", "/readyz?verbose=%zz", "[::1", "", "null")
	f.Add("GET", "/api/v1/entries?after=%ff", "::::", "Bearer", "http://[")
	f.Fuzz(func(t *testing.T, method, target, host, authorization, origin string) {
		raw := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nOrigin: %s\r\n\r\n", method, target, host, authorization, origin)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil || strings.Contains(raw, viewerToken) || strings.Contains(raw, operatorToken) || strings.Contains(raw, adminToken) {
			return
		}
		fix := newFixture()
		fix.settings.Tokens = tokens()
		w := httptest.NewRecorder()
		fix.handler(t).ServeHTTP(w, r)
		if len(fix.reloads) > 0 {
			t.Errorf("reloaded by %q", raw)
		}
		if health := strings.HasSuffix(r.URL.Path, "z"); w.Code < 400 && !health {
			t.Errorf("status %d without a token for %q", w.Code, raw)
		}
	})
}
