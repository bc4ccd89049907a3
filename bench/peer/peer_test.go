package peer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"triage/bench/peer/facts"
)

// shop are facts with everything in them.
func shop(endpoints ...string) facts.Facts {
	return facts.Facts{
		Endpoints: endpoints, Classes: []string{"critical", "important", "normal", "sheddable"}, Patience: time.Second, Connections: 500,
		Routes: []facts.Route{
			{Name: "checkout", Path: "/checkout"}, {Name: "cart", Path: "/cart", Class: 1}, {Name: "search", Path: "/search", Class: 2}, {Name: "static", Path: "/static", Class: 3},
		},
		Pools: []facts.Pool{{Name: "db", Size: 20, Routes: []string{"checkout", "cart"}, Critical: 4.2, Takes: 50 * time.Millisecond}, {Name: "search", Size: 7, Routes: []string{"search"}}},
	}
}

// Every template names the page that advises it, and comes out filled in; the advised ones know no pool.
func TestEveryTemplateIsFilledIn(t *testing.T) {
	for _, c := range All("triage") {
		e, ok := c.(external)
		if !ok {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			f := shop("http://127.0.0.1:9001")
			p := place{Facts: f, Dir: "/nowhere", Listen: "127.0.0.1:8080", Port: "8080", Descriptors: 2000}
			text, err := p.fill(e.Config())
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"https://", "9001"} {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
			if knows := strings.Contains(e.Config(), ".Pools"); knows != c.Tuned() {
				t.Errorf("it knows pools: %v; tuned: %v", knows, c.Tuned())
			}
			if c.Doc() == "" || strings.Contains(text, "<no value>") {
				t.Errorf("doc %q, and\n%s", c.Doc(), text)
			}
		})
	}
}

// What is bare forwards, to one endpoint and by any number of routes, and refuses by a quota or outright.
func TestEveryBareTemplateIsFilledIn(t *testing.T) {
	f := shop("http://127.0.0.1:9001")
	for i, r := range f.Routes {
		f.Routes[i].Path = r.Path + "/"
	}
	for _, c := range Bare("triage") {
		if c.Name() == Nothing || c.Doc() == "" || c.Config() == "" {
			if c.Name() != Nothing {
				t.Errorf("%s has doc %q and configuration %q", c.Name(), c.Doc(), c.Config())
			}
			continue
		}
		if _, ok := c.(built); ok {
			continue // its configuration is its source
		}
		for _, routes := range [][]facts.Route{nil, f.Routes} {
			f := f
			f.Routes = routes
			text, err := place{Facts: f, Dir: "/nowhere", Listen: "127.0.0.1:8080", Port: "8080", Lane: "fast"}.fill(c.Config())
			if err != nil || strings.Contains(text, "<no value>") {
				t.Fatalf("%s: %v\n%s", c.Name(), err, text)
			}
			wants := []string{"9001", "/refused"}
			for _, r := range routes {
				wants = append(wants, strings.TrimSuffix(r.Path, "/"))
			}
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("%s with %d routes does not say %q:\n%s", c.Name(), len(routes), want, text)
				}
			}
		}
	}
}

func TestWhatIsTunedKnowsThePools(t *testing.T) {
	p := place{Facts: shop("http://127.0.0.1:9001"), Dir: "/nowhere", Listen: "127.0.0.1:8080", Port: "8080"}
	for name, wants := range map[string][]string{
		"tuned.haproxy.cfg":  {"use_backend pool_db if { path /cart }", "maxconn 20", "maxconn 7", "timeout queue 500ms", "set-priority-class int(2) if { path /search }"},
		"tuned.nginx.conf":   {"limit_conn db 15;", "limit_conn search 7;", "zone=db_rate:1m rate=18000r/m;", "limit_req zone=db_rate burst=75;"},
		"tuned.Caddyfile":    {"unhealthy_request_count 20", "[::ffff:127.0.0.1]:9001", "localhost:9001", "lb_try_duration 250ms"},
		"tuned.routes.eskip": {`lifoGroup("db", 20, 20, "500ms")`, `lifoGroup("search", 7, 7, "500ms")`},
	} {
		text, err := p.fill(source(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", name, want, text)
			}
		}
	}
	if text, _ := p.fill(source("tuned.nginx.conf")); strings.Contains(text, "location = /checkout") {
		t.Errorf("nginx limits the most important route:\n%s", text)
	}
}

func TestWhatIsAlikeHasTriagesDuties(t *testing.T) {
	i := slices.IndexFunc(Bare("triage"), func(c Contender) bool { return c.Name() == "nginx-alike" })
	if i < 0 {
		t.Fatalf("only %v", Names(Bare("triage")))
	}
	c := Bare("triage")[i]
	p := place{Facts: shop("http://127.0.0.1:9001"), Dir: "/nowhere", Listen: "127.0.0.1:8080", Port: "8080"}
	text, err := p.fill(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"access_log /nowhere/access.log facts buffer=32k", "limit_req_zone $binary_remote_addr zone=cart_rate:1m rate=1000000r/s;", "limit_conn routes 65535;",
		"set $route cart; limit_req zone=cart_rate burst=1000000 nodelay;", "max_fails=5", "set_real_ip_from 127.0.0.1;", "proxy_set_header X-Request-Id $request_id;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	bare, _ := p.fill(source("bare.nginx.conf"))
	for _, quota := range []string{"limit_req_zone $server_name zone=quota:1m rate=1r/m;", "limit_req zone=quota; proxy_pass http://app; }", "limit_req_status 429;"} {
		if !strings.Contains(text, quota) || !strings.Contains(bare, quota) {
			t.Errorf("what is bare and what is alike do not both say %q", quota)
		}
	}
}

func TestAbsentSaysWhatWouldHelp(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	e := external{program{name: "no-such-proxy", install: "apt-get install no-such-proxy"}, advised}
	if got := e.Absent(); got != "no-such-proxy is not installed: apt-get install no-such-proxy" {
		t.Errorf("absent: %q", got)
	}
	if _, err := e.Start(t.Context(), shop("http://127.0.0.1:1")); err == nil || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("start: %v; want what would help", err)
	}
}

// What go install has put into its folder is found although nobody's PATH has that folder.
func TestWhatGoInstallsIsFound(t *testing.T) {
	home, there := t.TempDir(), "skipper"
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HOME", home)
	for _, c := range []struct{ bin, path, folder string }{
		{"", "", filepath.Join(home, "go", "bin")},
		{"", filepath.Join(home, "first") + string(filepath.ListSeparator) + filepath.Join(home, "second"), filepath.Join(home, "first", "bin")},
		{filepath.Join(home, "own"), filepath.Join(home, "first"), filepath.Join(home, "own")},
	} {
		t.Setenv("GOBIN", c.bin)
		t.Setenv("GOPATH", c.path)
		e := external{program{name: there}, advised}
		if e.Absent() == "" {
			t.Errorf("%+v: found before it was there", c)
		}
		if err := os.MkdirAll(c.folder, 0o700); err != nil {
			t.Fatal(err)
		}
		want := filepath.Join(c.folder, there)
		if err := os.WriteFile(want, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got, err := e.find(); got != want {
			t.Errorf("%+v: found %q, %v; want %q", c, got, err, want)
		}
	}
}

func TestChosen(t *testing.T) {
	for _, c := range []struct{ names, want, wrong string }{
		{"nginx+,triage", "nginx nginx-tuned triage", ""},
		{"triage,nothing", "triage nothing", ""},
		{"all", strings.Join(Names(All("")), " "), ""},
		{"ngnix", "", `peer "ngnix": want some of all, nothing, nginx`},
		{"nginx-alike", "", `peer "nginx-alike": want some of all, nothing, nginx`},
		{"nginx,nginx+", "", `peer "nginx": given twice`},
	} {
		chosen, err := Chosen("triage", strings.Split(c.names, ","))
		var got []string
		for _, p := range chosen {
			got = append(got, p.Name())
		}
		if c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) || c.wrong == "" && (err != nil || strings.Join(got, " ") != c.want) {
			t.Errorf("Chosen(%s) = %v, %v; want %q %q", c.names, got, err, c.want, c.wrong)
		}
	}
}
