package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"triage/proxy/admin"
	"triage/shed"
)

const (
	viewerToken   = "viewer-0123456789"
	operatorToken = "operator-0123456789"
	adminToken    = "admin-0123456789"
)

func tokens() []admin.Token {
	return []admin.Token{
		{Role: admin.Viewer, Name: "wall", Token: viewerToken},
		{Role: admin.Operator, Name: "ana", Token: operatorToken},
		{Role: admin.Administrator, Name: "root", Token: adminToken},
	}
}

// fixture is an API over fixed answers that counts what was changed through it.
type fixture struct {
	settings admin.Settings
	reloads  []string
	log      strings.Builder
}

func newFixture() *fixture {
	f := &fixture{}
	f.settings = admin.Settings{
		Status:  storm,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "triage_draining 0\n") }),
		Ready:   func() (bool, string) { return true, "" },
		Config: func() admin.ConfigInForce {
			return admin.ConfigInForce{Hash: "f00d", LoadedAt: night, File: "triage.yaml", YAML: []byte("listen: 127.0.0.1:8080\n")}
		},
		Reload: func(_ context.Context, who string) error { f.reloads = append(f.reloads, who); return nil },
		Entries: func(after uint64) []shed.Entry {
			if after >= 7 {
				return nil
			}
			return []shed.Entry{{Seq: after + 1, Kind: "limit"}}
		},
		Logger: slog.New(slog.NewTextHandler(&f.log, nil)),
	}
	return f
}

func (f *fixture) handler(t *testing.T) http.Handler {
	t.Helper()
	a, err := admin.New(f.settings)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return a.Handler()
}

// call makes a request as a local program would: "METHOD PATH", then "Field: value" lines.
func call(h http.Handler, request string, header ...string) *http.Response {
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, path, nil)
	r.Host = "localhost:9901"
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode[T any](t *testing.T, r *http.Response) T {
	t.Helper()
	var value T
	text := body(t, r)
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("decoding %q: %v", text, err)
	}
	return value
}

func TestNewRefusesIncompleteSettings(t *testing.T) {
	for name, spoil := range map[string]func(*admin.Settings){
		"Status":             func(s *admin.Settings) { s.Status = nil },
		"Metrics":            func(s *admin.Settings) { s.Metrics = nil },
		"Ready":              func(s *admin.Settings) { s.Ready = nil },
		"Config":             func(s *admin.Settings) { s.Config = nil },
		"Reload":             func(s *admin.Settings) { s.Reload = nil },
		"Entries":            func(s *admin.Settings) { s.Entries = nil },
		"16":                 func(s *admin.Settings) { s.Tokens[0].Token = "short" },
		"role":               func(s *admin.Settings) { s.Tokens[0].Role = 0 },
		"name is empty":      func(s *admin.Settings) { s.Tokens[0].Name = "" },
		"another name":       func(s *admin.Settings) { s.Tokens[0].Token = s.Tokens[1].Token },
		"example.com:80":     func(s *admin.Settings) { s.Hosts = []string{"example.com:80"} },
		"http://example.com": func(s *admin.Settings) { s.Hosts = []string{"http://example.com"} },
		"*.example.com":      func(s *admin.Settings) { s.Hosts = []string{"*.example.com"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture().settings
			s.Tokens = tokens()
			spoil(&s)
			_, err := admin.New(s)
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got error %v, want one that says %q", err, name)
			}
			if err != nil && strings.Contains(err.Error(), operatorToken) {
				t.Errorf("the error tells a token: %v", err)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	r := call(newFixture().handler(t), "GET /api/v1/status")
	if got := r.Header.Get("Content-Type"); r.StatusCode != 200 || got != "application/json" {
		t.Fatalf("got status %d, type %q", r.StatusCode, got)
	}
	text := body(t, r)
	for _, field := range []string{`"version":"1.4.2"`, `"uptime_seconds":93600`, `"config":{"hash":"3f9a1c2e77aa"`, `"draining":true`, `"routes":[`, `"entries":[`} {
		if !strings.Contains(text, field) {
			t.Errorf("no %s in %s", field, text)
		}
	}
	var s admin.Status
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	var got, want strings.Builder
	s.Table(&got, false)
	storm().Table(&want, false)
	if got.String() != want.String() {
		t.Errorf("the table of the decoded status is another one:\n%s\nwant\n%s", got.String(), want.String())
	}
}

func TestConfig(t *testing.T) {
	h := newFixture().handler(t)
	r := call(h, "GET /api/v1/config", "Accept: */*")
	if got := body(t, r); got != "listen: 127.0.0.1:8080\n" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/yaml") {
		t.Errorf("by default got %q as %q, want the YAML", got, r.Header.Get("Content-Type"))
	}
	got := decode[map[string]any](t, call(h, "GET /api/v1/config", "Accept: text/html, application/json;q=0.9"))
	for field, want := range map[string]string{"hash": "f00d", "file": "triage.yaml", "yaml": "listen: 127.0.0.1:8080\n", "loaded_at": "2026-11-27T03:00:00Z"} {
		if got[field] != want {
			t.Errorf("%s: got %v, want %q", field, got[field], want)
		}
	}
}

func TestEntries(t *testing.T) {
	h := newFixture().handler(t)
	for query, want := range map[string]int{"": 1, "?after=6": 1, "?after=7": 0} {
		got := decode[admin.Entries](t, call(h, "GET /api/v1/entries"+query))
		if len(got.Entries) != want || got.Entries == nil {
			t.Errorf("entries%s: got %v, want %d", query, got.Entries, want)
		}
	}
	for _, query := range []string{"?after=-1", "?after=x", "?after=99999999999999999999"} {
		if r := call(h, "GET /api/v1/entries"+query); r.StatusCode != 400 {
			t.Errorf("entries%s: got status %d, want 400", query, r.StatusCode)
		}
	}
}

func TestHealth(t *testing.T) {
	starting := newFixture()
	starting.settings.Ready = func() (bool, string) { return false, "draining" }
	starting.settings.Tokens = tokens()
	ready := newFixture().handler(t)
	draining := starting.handler(t)
	for _, c := range []struct {
		name, request string
		handler       http.Handler
		status        int
		body          string
	}{
		{"healthy", "GET /healthz", draining, 200, "ok\n"},
		{"alive", "GET /livez", draining, 200, "ok\n"},
		{"alive, verbose", "GET /livez?verbose", draining, 200, "[+] alive\nok\n"},
		{"ready", "GET /readyz", ready, 200, "ok\n"},
		{"ready, verbose", "GET /readyz?verbose", ready, 200, "[+] alive\n[+] ready\nok\n"},
		{"draining", "GET /readyz", draining, 503, "not ready: draining\n"},
		{"draining, verbose", "GET /readyz?verbose", draining, 503, "[+] alive\n[-] ready: draining\nnot ready\n"},
		{"post", "POST /readyz", ready, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call(c.handler, c.request, "Host: 10.0.0.7:9901")
			if got := body(t, r); r.StatusCode != c.status || c.body != "" && got != c.body {
				t.Errorf("got %d %q, want %d %q", r.StatusCode, got, c.status, c.body)
			}
		})
	}
}

func TestReload(t *testing.T) {
	f := newFixture()
	f.settings.Tokens = tokens()
	h := f.handler(t)
	r := call(h, "POST /api/v1/reload", "Authorization: Bearer "+operatorToken)
	if got := decode[admin.ConfigInForce](t, r); r.StatusCode != 200 || got.Hash != "f00d" {
		t.Errorf("got %d, hash %q, want 200, f00d", r.StatusCode, got.Hash)
	}
	call(h, "POST /api/v1/reload", "Authorization: bearer "+adminToken)
	if got := strings.Join(f.reloads, " "); got != "ana root" {
		t.Errorf("reloaded by %q, want by ana and root", got)
	}
	if got := f.log.String(); !strings.Contains(got, "configuration reloaded") || !strings.Contains(got, "who=ana") {
		t.Errorf("log does not say who reloaded: %s", got)
	}
}

func TestReloadThatFails(t *testing.T) {
	f := newFixture()
	f.settings.Reload = func(context.Context, string) error {
		return errors.Join(errors.New("triage.yaml:3:1: one"), errors.New("triage.yaml:9:1: two"))
	}
	r := call(f.handler(t), "POST /api/v1/reload")
	if got := r.Header.Get("Content-Type"); r.StatusCode != 422 || got != "application/problem+json" {
		t.Errorf("got %d as %q, want 422 as application/problem+json", r.StatusCode, got)
	}
	p := decode[admin.Problem](t, r)
	if got := strings.Join(p.Problems, "|"); got != "triage.yaml:3:1: one|triage.yaml:9:1: two" || p.Status != 422 {
		t.Errorf("got %+v, want both problems", p)
	}
	if got := f.log.String(); !strings.Contains(got, "reload failed") || !strings.Contains(got, "who=local") {
		t.Errorf("log does not say who failed: %s", got)
	}
}

func TestOneReloadAtATime(t *testing.T) {
	f := newFixture()
	inside, release := make(chan struct{}), make(chan struct{})
	f.settings.Reload = func(context.Context, string) error { close(inside); <-release; return nil }
	h := f.handler(t)
	first := make(chan int)
	go func() { first <- call(h, "POST /api/v1/reload").StatusCode }()
	<-inside
	if r := call(h, "POST /api/v1/reload"); r.StatusCode != 409 || r.Header.Get("Retry-After") != "1" {
		t.Errorf("second reload: got %d, want 409 with Retry-After", r.StatusCode)
	}
	close(release)
	if got := <-first; got != 200 {
		t.Errorf("first reload: got %d, want 200", got)
	}
}

func TestServerHasTimeouts(t *testing.T) {
	s := admin.Server(http.NotFoundHandler())
	for name, got := range map[string]time.Duration{"header": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout} {
		if got <= 0 || got > time.Minute {
			t.Errorf("%s timeout is %v, want one up to a minute", name, got)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 64<<10 {
		t.Errorf("header limit is %d bytes, want one up to 64 KiB", s.MaxHeaderBytes)
	}
}
