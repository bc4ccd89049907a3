package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"triage/config"
)

const shopConfig = `listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstreams:
  shop: {endpoints: ["http://127.0.0.1:9000"], timeout: 2s}
routes:
  - name: checkout
    match: {path: /checkout, methods: [POST]}
    upstream: shop
    priority: critical
    session: {cookie: sid}
    rate_limit: {rate: 500/s, burst: 1000, per: client_ip}
    degrade: {hint: true, fallback: {body: '{}'}}
  - {name: orders, match: {path: /orders/*}, upstream: shop}
`

func TestCheckOfAFineFile(t *testing.T) {
	path := configFile(t, shopConfig)
	code, stdout, stderr := command(t, "check", "-c", path)
	loaded, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%s is fine: 2 routes, 1 upstreams, hash %s\n", path, loaded.Hash); code != 0 || stdout != want || stderr != "" {
		t.Errorf("check: exit %d, %q, %q; want 0, %q and nothing", code, stdout, stderr, want)
	}
	code, stdout, _ = command(t, "check", "-c", path, "--output", "json")
	var report struct {
		OK       bool
		Hash     string
		Problems []any
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 0 || !report.OK || report.Hash != loaded.Hash || report.Problems == nil {
		t.Errorf("check --output json: exit %d, %q, %v; want 0, ok and the hash", code, stdout, err)
	}
}

// Every kind of mistake that the loader knows is told by check: all of a file's problems, one a line, each with its place.
func TestCheckOfEveryBrokenFile(t *testing.T) {
	paths, err := filepath.Glob("../../config/testdata/broken/*.yaml")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d broken files, %v; want those of package config", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			golden, err := os.ReadFile(strings.TrimSuffix(path, ".yaml") + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSpace(string(golden)), "\n")
			code, stdout, stderr := command(t, "check", "-c", path)
			got := strings.Split(strings.TrimSpace(stdout), "\n")
			if code != 1 || len(got) != len(want) || !strings.Contains(stderr, fmt.Sprintf("%d problem(s)", len(want))) {
				t.Errorf("exit %d, %q, %q; want 1 and the %d problems\n%s", code, stdout, stderr, len(want), golden)
			}
			place := regexp.MustCompile(`^` + regexp.QuoteMeta(path) + `:[0-9]+:[0-9]+: .`)
			for i, line := range got {
				if !place.MatchString(line) || i < len(want) && !strings.HasSuffix(line, want[i]) {
					t.Errorf("line %q, want one like %q", line, want[i])
				}
			}
		})
	}
}

func TestCheckFindsWhatOnlyThePartsKnow(t *testing.T) {
	tests := []struct {
		name, routes string
		want         []string
	}{
		{"ties, twice", `
  - {name: a, match: {path: /x}, upstream: app}
  - {name: b, match: {path: /x}, upstream: app}
  - {name: c, match: {path: /y, methods: [GET, POST]}, upstream: app}
  - {name: d, match: {path: /y, methods: [POST, PUT]}, upstream: app}`,
			[]string{`:8:22: routes[1].match: routes "a" and "b" cover the same requests`, `:10:22: routes[3].match: routes "c" and "d"`}},
		{"a path nobody can ask for", "  - {name: a, match: {path: /x/../y}, upstream: app}", []string{"routes[0].match"}},
		{"did you mean", "  - {name: a, upstrem: app}\n  - {name: b, upstream: ap, priority: critcal}",
			[]string{"did you mean upstream?", "did you mean app?", "did you mean critical?"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := configFile(t, conf("", "http://127.0.0.1:9", strings.TrimPrefix(test.routes, "\n")))
			code, stdout, _ := command(t, "check", "-c", path)
			for _, want := range test.want {
				if code != 1 || !strings.Contains(stdout, want) {
					t.Errorf("exit %d, %q; want 1 and %q", code, stdout, want)
				}
			}
			code, stdout, _ = command(t, "check", "-c", path, "--output", "json")
			var report struct {
				OK       bool
				Problems []config.Problem
			}
			if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 1 || report.OK || len(report.Problems) < len(test.want)-1 {
				t.Fatalf("json: exit %d, %q, %v; want 1 and the problems", code, stdout, err)
			}
			for _, p := range report.Problems {
				if p.File != path || p.Line < 1 || p.Column < 1 || p.What == "" {
					t.Errorf("json: problem %+v has no place or no text", p)
				}
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"frobnicate"}, `unknown command "frobnicate"`},
		{[]string{"check", "--frob"}, "unknown flag: --frob"},
		{[]string{"check", "extra"}, `unknown command "extra" for "triage check"`},
		{[]string{"explain", "GET"}, "accepts 2 arg(s), received 1"},
		{[]string{"version", "--output", "xml"}, `--output "xml": want text or json`},
		{[]string{"run", "--log-level", "loud"}, `--log-level "loud": want debug, info, warn or error`},
		{[]string{"demo", "--duration", "1s"}, "--duration 1s: want 8s at least"},
		{[]string{"demo", "--duration", "soon"}, `invalid argument "soon"`},
		{[]string{"explain", "GET", "ftp//x", "-c", "CONFIG"}, "does not start with a slash"},
		{[]string{"explain", "GET", "/x", "-H", "no colon", "-c", "CONFIG"}, "want 'Name: value'"},
	}
	path := configFile(t, shopConfig)
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			for i, arg := range test.args {
				test.args[i] = strings.ReplaceAll(arg, "CONFIG", path)
			}
			code, stdout, stderr := command(t, test.args...)
			if code != 2 || stdout != "" || !strings.Contains(stderr, test.want) || !strings.HasPrefix(stderr, "triage: ") {
				t.Errorf("exit %d, %q, %q; want 2, nothing on stdout, and %q", code, stdout, stderr, test.want)
			}
		})
	}
}

func TestHelpAndCompletion(t *testing.T) {
	code, stdout, _ := command(t)
	for _, name := range []string{"run", "check", "demo", "explain", "status", "schema", "version", "completion"} {
		if code != 0 || !strings.Contains(stdout, "\n  "+name+" ") {
			t.Errorf("triage: exit %d; the help does not list %q", code, name)
		}
	}
	code, stdout, _ = command(t, "completion", "bash")
	if code != 0 || !strings.Contains(stdout, "__start_triage") {
		t.Errorf("completion bash: exit %d, %d bytes; want 0 and a script", code, len(stdout))
	}
	code, stdout, _ = command(t, "__complete", "ch")
	if code != 0 || !strings.HasPrefix(stdout, "check") {
		t.Errorf("__complete ch: exit %d, %q; want 0 and check", code, stdout)
	}
}

func TestSchema(t *testing.T) {
	want, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := command(t, "schema")
	if code != 0 || stdout != string(want) || !json.Valid([]byte(stdout)) {
		t.Errorf("schema: exit %d, %d bytes; want 0 and the %d bytes of config.Schema", code, len(stdout), len(want))
	}
}

func TestVersion(t *testing.T) {
	code, stdout, _ := command(t, "version", "--output", "json")
	var b build
	if err := json.Unmarshal([]byte(stdout), &b); err != nil || code != 0 || b != thisBuild() || !strings.HasPrefix(b.Go, "go1.") {
		t.Errorf("version: exit %d, %q, %v; want 0 and %+v", code, stdout, err, thisBuild())
	}
	_, stdout, _ = command(t, "version")
	if want := "triage " + b.Version + " (" + b.Commit + ", " + b.Go + ")\n"; stdout != want {
		t.Errorf("version: %q, want %q", stdout, want)
	}
}

// Flags go over the environment, which goes over the file.
func TestEnvironment(t *testing.T) {
	path := configFile(t, shopConfig)
	t.Setenv("TRIAGE_CONFIG", path)
	t.Setenv("TRIAGE_OUTPUT", "json")
	if code, stdout, _ := command(t, "check"); code != 0 || !strings.Contains(stdout, `"ok": true`) {
		t.Errorf("check with TRIAGE_CONFIG and TRIAGE_OUTPUT: exit %d, %q; want 0 and JSON", code, stdout)
	}
	other := configFile(t, "listen: nowhere\n")
	if code, stdout, _ := command(t, "check", "-c", other, "--output", "text"); code != 1 || !strings.Contains(stdout, other+":1:9: listen[0].address") {
		t.Errorf("check -c over TRIAGE_CONFIG: exit %d, %q; want 1 and the flag's file", code, stdout)
	}
}

// Nothing but a terminal gets escape codes, whatever TERM says.
func TestPlainOutput(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	r := start(t, shopConfig)
	path := configFile(t, shopConfig)
	for _, args := range [][]string{
		{"check", "-c", path}, {"check", "-c", "../../config/testdata/broken/surprises.yaml"}, {"explain", "GET", "/orders/1", "-c", path},
		{"status", "--admin", r.adminAt.Addr().String()}, {"version"}, {"--help"}, {"frobnicate"},
	} {
		if _, stdout, stderr := command(t, args...); strings.ContainsRune(stdout+stderr, '\x1b') {
			t.Errorf("triage %v: %q %q has escape codes", args, stdout, stderr)
		}
	}
}
