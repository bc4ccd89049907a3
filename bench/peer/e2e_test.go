//go:build e2e

package peer

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"triage/bench/peer/facts"
)

// alikes are those of a program that have Triage's duties: one or none.
func alikes(program string) (all []Contender) {
	for _, c := range Bare("") {
		if c.Name() == program+AlikeSuffix {
			all = append(all, c)
		}
	}
	return all
}

// Every installed program takes both of its configurations, and the one with Triage's duties, forwards all routes, and ends when it is told to.
func TestE2EPeersForward(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "of ", r.URL.Path) }))
	defer backend.Close()
	for _, name := range []string{"nginx+", "haproxy+", "caddy+"} {
		chosen, err := Chosen("", []string{name})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range append(chosen, alikes(strings.TrimSuffix(name, "+"))...) {
			t.Run(c.Name(), func(t *testing.T) {
				if why := c.Absent(); why != "" {
					t.Fatal(why)
				}
				if v := c.Version(t.Context()); v == "" || v == "unknown" {
					t.Errorf("version %q", v)
				}
				running, err := c.Start(t.Context(), shop(backend.URL))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range []string{"/checkout", "/cart", "/search", "/static"} {
					response, err := http.Get(running.URLs[0] + path)
					if err != nil {
						t.Fatal(err)
					}
					text, err := io.ReadAll(response.Body)
					response.Body.Close()
					if err != nil || response.StatusCode != http.StatusOK || string(text) != "of "+path {
						t.Errorf("%s: %s, %q, %v", path, response.Status, text, err)
					}
				}
				if err := running.Stop(); err != nil {
					t.Errorf("stop: %v", err)
				}
			})
		}
	}
}

// nginx with Triage's duties adds the fields, refuses nobody but by the quota, and writes a line of JSON for each request that it has forwarded; with routes
// and without.
func TestE2EAlikeDoesItsDuties(t *testing.T) {
	asked := make(chan http.Header, 1)
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header }))
	defer backend.Close()
	for route, routes := range map[string][]facts.Route{"cart": shop("").Routes, "all": nil} {
		t.Run(route, func(t *testing.T) { dutiesOf(t, backend.URL, route, routes, asked) })
	}
}

func dutiesOf(t *testing.T, backend, route string, routes []facts.Route, asked <-chan http.Header) {
	e := alikes("nginx")[0].(external)
	path, err := e.find()
	if err != nil {
		t.Fatal(e.Absent())
	}
	p, err := settle(facts.Facts{Endpoints: []string{backend}, Routes: routes, Connections: 100})
	if err != nil {
		t.Fatal(err)
	}
	running, err := e.start(t.Context(), path, p)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Stop()
	const times = 200 // several in a millisecond
	for range times {
		if got := ask(t, running.URLs[0]+"/cart?secret"); got != http.StatusOK {
			t.Fatalf("status %d", got)
		}
		if h := <-asked; !strings.HasPrefix(h.Get("X-Forwarded-For"), "10.1.2.3, ") || h.Get("X-Forwarded-Proto") != "http" ||
			len(h.Get("X-Request-Id")) != 32 || h.Get("Via") != "1.1 nginx" || !strings.HasPrefix(h.Get("Forwarded"), "for=10.1.2.3;host=") {
			t.Fatalf("the backend was told %v", h)
		}
	}
	const refused = 50
	for i := range 1 + refused {
		want := http.StatusOK
		if i > 0 {
			want = http.StatusTooManyRequests
		}
		if got := ask(t, running.URLs[0]+"/refused/"); got != want {
			t.Fatalf("request %d by the quota: %d, want %d", i, got, want)
		}
	}
	<-asked
	if err := running.Process.Stop(); err != nil { // and its folder is still there
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(p.Dir, "access.log"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) < times+1 || len(lines) > times+1+refused/2 { // of refusals few are logged
		t.Fatalf("%d lines of %d requests that were forwarded and %d that were refused", len(lines), times+1, refused)
	}
	var line struct {
		Client, Route, Path, Endpoint, ID string
		Status                            int
	}
	for _, text := range lines[:times] {
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Client != "10.1.2.3" || line.Route != route || line.Path != "/cart" ||
			"http://"+line.Endpoint != backend || line.Status != http.StatusOK || len(line.ID) != 32 {
			t.Fatalf("%v in %s", err, text)
		}
	}
}

// ask gives the status of the answer to a client behind a proxy.
func ask(t *testing.T, url string) int {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "10.1.2.3")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
