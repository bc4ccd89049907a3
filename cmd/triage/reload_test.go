package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"triage/proxy/reason"
)

// version is a configuration whose only route says which one is in force.
func versionConf(upstream string, n int) string {
	return conf("", upstream, fmt.Sprintf("  - {name: v%d, match: {path: /v%d}, upstream: app}\n", n, n))
}

// inForce waits until the version's route is there, and wants the one before it to be gone.
func inForce(t *testing.T, url string, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("version %d to be in force", n), func() bool {
		return call(t, "GET", fmt.Sprintf("%s/v%d", url, n)).status == http.StatusOK
	})
	if a := call(t, "GET", fmt.Sprintf("%s/v%d", url, n-1)); a.status != http.StatusNotFound || !strings.Contains(a.body, "no_route") {
		t.Errorf("with version %d in force, /v%d: %d %q; want 404", n, n-1, a.status, a.body)
	}
}

func TestEveryWayToReload(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testEveryWayToReload)
}

func testEveryWayToReload(t *testing.T) {
	t.Parallel()
	app := backend(t, echo)
	c := spawn(t, versionConf(app, 1))
	get(t, c.url+"/v1")

	if err := os.WriteFile(c.path, []byte(versionConf(app, 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	inForce(t, c.url, 2)

	write(t, c.path, versionConf(app, 3))
	inForce(t, c.url, 3)

	// Whoever is first, the signal, the request or the watcher: afterwards the file is in force.
	write(t, c.path, versionConf(app, 4))
	c.signal(syscall.SIGHUP)
	inForce(t, c.url, 4)

	write(t, c.path, versionConf(app, 5))
	if a := call(t, "POST", c.adminURL+"/api/v1/reload"); a.status != http.StatusOK || !strings.Contains(a.body, statusOf(t, c.adminURL).Config.Hash) {
		t.Errorf("POST reload: %d %q; want 200 and the hash", a.status, a.body)
	}
	inForce(t, c.url, 5)
	if !strings.Contains(c.stderr.String(), `"changes":["routes.v1: removed","routes.v2: added"]`) {
		t.Errorf("the log does not say what changed")
	}
}

// SIGHUP and POST reload where nothing watches the file: a folder that was made anew under it.
func TestReloadWithoutAWatcher(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testReloadWithoutAWatcher)
}

func testReloadWithoutAWatcher(t *testing.T) {
	t.Parallel()
	app := backend(t, echo)
	r := start(t, versionConf(app, 1))
	write(t, r.options.path, versionConf(app, 2))
	if a := call(t, "POST", r.adminURL+"/api/v1/reload"); a.status != http.StatusOK {
		t.Fatalf("POST reload: %d %q; want 200", a.status, a.body)
	}
	inForce(t, r.url, 2)
	write(t, r.options.path, versionConf(app, 3))
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGHUP
	close(signals)
	r.obey(signals, func() { t.Error("SIGHUP stopped the server") })
	inForce(t, r.url, 3)
}

// Kubernetes updates a ConfigMap by swapping the symbolic link ..data to another folder.
func TestReloadOfAConfigMap(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testReloadOfAConfigMap)
}

func testReloadOfAConfigMap(t *testing.T) {
	t.Parallel()
	app := backend(t, echo)
	folder := t.TempDir()
	link := func(from, to string) {
		if err := os.Symlink(from, filepath.Join(folder, to)); err != nil {
			t.Fatal(err)
		}
	}
	revision := func(n int) string {
		name := fmt.Sprintf("..revision%d", n)
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, name, "triage.yaml"), versionConf(app, n))
		return name
	}
	link(revision(1), "..data")
	link("..data/triage.yaml", "triage.yaml")
	c := spawnAt(t, filepath.Join(folder, "triage.yaml"))
	get(t, c.url+"/v1")
	for n := 2; n <= 3; n++ {
		link(revision(n), "..next")
		if err := os.Rename(filepath.Join(folder, "..next"), filepath.Join(folder, "..data")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(folder, fmt.Sprintf("..revision%d", n-1))); err != nil {
			t.Fatal(err)
		}
		inForce(t, c.url, n)
	}
}

func TestReloadOfABrokenFile(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testReloadOfABrokenFile)
}

func testReloadOfABrokenFile(t *testing.T) {
	t.Parallel()
	app := backend(t, echo)
	r := start(t, versionConf(app, 1))
	hash := statusOf(t, r.adminURL).Config.Hash
	broken := strings.Replace(versionConf(app, 2), "upstream: app", "upstream: ap\n    prioritty: x", 1)
	broken = strings.NewReplacer("{name", "name", "upstream: ap\n", "upstream: ap\n", "  - {", "  - ").Replace(broken)
	for _, text := range []string{
		"listen: [",
		broken,
		conf("", app, "  - {name: a, match: {path: /x}, upstream: app}\n  - {name: b, match: {path: /x}, upstream: app}\n"),
		conf("listen: 192.0.2.1:80", app, everything), // an address of nobody's: it cannot be bound
	} {
		write(t, r.options.path, text)
		a := call(t, "POST", r.adminURL+"/api/v1/reload")
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `"problems":["`) {
			t.Errorf("POST reload of %q: %d %q; want 422 and the problems", text, a.status, a.body)
		}
		get(t, r.url+"/v1")
		s := statusOf(t, r.adminURL).Config
		if s.Hash != hash || s.LastError == "" {
			t.Errorf("after %q: hash %s, last error %q; want %s and an error", text, s.Hash, s.LastError, hash)
		}
		if got := metric(t, r.adminURL, "triage_config_last_reload_successful"); got != 0 {
			t.Errorf("after %q: triage_config_last_reload_successful is %v, want 0", text, got)
		}
		if _, stdout, _ := command(t, "status", "--admin", r.adminAt.Addr().String()); !strings.Contains(stdout, "the last reload failed") {
			t.Errorf("triage status does not speak of the failure:\n%s", stdout)
		}
	}
	write(t, r.options.path, versionConf(app, 2))
	if err := r.reload("test"); err != nil {
		t.Fatal(err)
	}
	inForce(t, r.url, 2)
	if s := statusOf(t, r.adminURL).Config; s.LastError != "" || s.Hash == hash || metric(t, r.adminURL, "triage_config_last_reload_successful") != 1 ||
		metric(t, r.adminURL, "triage_config_info", "hash", s.Hash) != 1 {
		t.Errorf("after the repair: %+v; want the new hash, no error, and metrics that say so", s)
	}
}

// Listeners come and go. Who is being served on one that goes gets the whole answer.
func TestReloadOfListeners(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testReloadOfListeners)
}

func testReloadOfListeners(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
		}
		echo(w, r)
	})
	first, second := freeAddress(t), freeAddress(t)
	r := start(t, conf("listen: "+first, app, everything))
	reload := func(listen string) {
		t.Helper()
		write(t, r.options.path, conf(listen, app, everything))
		if err := r.reload("test"); err != nil {
			t.Fatalf("reload with %s: %v", listen, err)
		}
	}
	reload("listen: ['" + first + "', '" + second + "']")
	for _, address := range []string{first, second} {
		get(t, "http://"+address+"/x")
	}
	slow := make(chan answer)
	go func() { slow <- call(t, "POST", "http://"+first+"/slow") }()
	eventually(t, "the slow request to be under way", func() bool { return statusOf(t, r.adminURL).Routes[0].Shed.InFlight == 1 })
	reload("listen: '" + second + "'")
	eventually(t, "the first listener to be gone", func() bool { return call(t, "GET", "http://"+first+"/x").err != nil })
	get(t, "http://"+second+"/x")
	close(release)
	if a := <-slow; a.status != http.StatusOK || a.seen(t).URI != "/slow" {
		t.Errorf("the request on the listener that went: %d %q, %v; want its answer", a.status, a.body, a.err)
	}
	// The address can be had again at once.
	for range 20 {
		reload("listen: ['" + first + "', '" + second + "']")
		get(t, "http://"+first+"/x")
		reload("listen: '" + second + "'")
	}
	if got := metric(t, r.adminURL, "triage_connections", "listener", first); got != 0 {
		t.Errorf("the listener that went still has %v connections", got)
	}
}

// A route that stays keeps what it had: requests in flight, tokens, an open breaker, its baseline; and counters go on.
func TestReloadKeepsWhatRoutesLearned(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testReloadKeepsWhatRoutesLearned)
}

func testReloadKeepsWhatRoutesLearned(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-release
		case "/fail":
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	defer close(release)
	routes := `  - {name: hang, match: {path: /hang}, upstream: app, timeout: 1m}
  - {name: fail, match: {path: /fail}, upstream: app, breaker: {open_for: 30s}}
  - {name: once, match: {path: /once}, upstream: app, rate_limit: {rate: 1/h, burst: 1}}
  - {name: busy, match: {path: /busy}, upstream: app}
`
	r := start(t, conf("", app, routes))
	go func() { call(t, "GET", r.url+"/hang") }()
	openBreaker(t, r, "/fail")
	get(t, r.url+"/once")
	busy := &http.Client{}
	eventually(t, "a baseline", func() bool {
		send(t, busy, "GET", r.url+"/busy", "")
		return metric(t, r.adminURL, "triage_baseline_seconds", "route", "busy") > 0
	})
	baseline := statusOf(t, r.adminURL).Routes[3].Shed.Baseline
	requests := metric(t, r.adminURL, "triage_requests_total", "route", "busy")

	write(t, r.options.path, conf("name: other", app, routes+"  - {name: new, match: {path: /new}, upstream: app}\n"))
	if err := r.reload("test"); err != nil {
		t.Fatal(err)
	}
	get(t, r.url+"/new")
	s := statusOf(t, r.adminURL)
	// Who has an answer may be a little sooner than the proxy is done with the request.
	eventually(t, "one request in flight after the reload, of the route and of the endpoint", func() bool {
		s = statusOf(t, r.adminURL)
		return s.Routes[0].Shed.InFlight == 1 && s.Upstreams[0].Endpoints[0].InFlight == 1
	})
	if a := call(t, "GET", r.url+"/fail"); s.Routes[1].Breaker != "open" || !strings.Contains(a.body, `"reason":"breaker"`) {
		t.Errorf("breaker after the reload: %s, answer %d %q; want it open", s.Routes[1].Breaker, a.status, a.body)
	}
	if a := call(t, "GET", r.url+"/once"); a.status != reason.Quota.Status() {
		t.Errorf("quota after the reload: %d, want 429", a.status)
	}
	// The answers of its last moments may still move it; a route that has forgotten has none.
	if got := s.Routes[3].Shed.Baseline; got < baseline/10 || got > baseline*10 {
		t.Errorf("baseline after the reload: %v, want about %v", got, baseline)
	}
	if got := metric(t, r.adminURL, "triage_requests_total", "route", "busy"); got < requests {
		t.Errorf("triage_requests_total after the reload: %v, want %v at least", got, requests)
	}
}

// openBreaker asks for a path that always fails until the route's breaker opens.
func openBreaker(t *testing.T, r *running, path string) answer {
	t.Helper()
	for range 100 {
		if a := call(t, "GET", r.url+path); a.status == http.StatusServiceUnavailable {
			return a
		} else if a.status != http.StatusInternalServerError {
			t.Fatalf("GET %s: %d %q, %v; want 500", path, a.status, a.body, a.err)
		}
	}
	t.Fatal("a hundred failures in a row do not open the breaker")
	return answer{}
}
