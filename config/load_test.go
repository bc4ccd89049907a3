package config_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"triage/config"
)

var update = flag.Bool("update", false, "write the golden files")

func load(t *testing.T, path string) *config.Loaded {
	t.Helper()
	l, err := config.Load(path)
	if err != nil {
		t.Fatalf("loading %s:\n%v", path, err)
	}
	return l
}

// problems parses a text that must not be sane.
func problems(t *testing.T, text string) config.Problems {
	t.Helper()
	l, err := config.Parse("testdata/t.yaml", []byte(text))
	var ps config.Problems
	if !errors.As(err, &ps) || l != nil {
		t.Fatalf("got %v, %v, want problems from:\n%s", l, err, text)
	}
	return ps
}

func TestTheExampleIsComplete(t *testing.T) {
	l := load(t, "testdata/example.yaml")
	f := l.File
	second := config.Duration(time.Second)
	if f.Name != "triage" || f.Admin.Address != "127.0.0.1:9901" || len(f.HealthChecks) != 3 || f.AccessLog.To != "stdout" ||
		f.AccessLog.Refusals != 10 || f.AccessLog.Buffer != 8192 || f.Drain != (config.Drain{Timeout: 30 * second}) {
		t.Errorf("defaults of the file: got %+v", f)
	}
	listener := config.Listener{
		Address: "0.0.0.0:8080", Lane: "auto",
		Limits:   config.Limits{Connections: 10000, Header: 64 << 10, BodyRate: 240},
		Timeouts: config.Timeouts{ReadHeader: 10 * second, Idle: 90 * second, Read: 60 * second, Write: 60 * second},
	}
	if len(f.Listen) != 1 || !reflect.DeepEqual(f.Listen[0], listener) {
		t.Errorf("listen: got %+v, want %+v", f.Listen, listener)
	}
	shop := config.Upstream{
		Endpoints: []config.Endpoint{{URL: "http://127.0.0.1:9000", Weight: 1, Protocol: "http1"}},
		Timeout:   2 * second, ConnectTimeout: second, IdleTimeout: 60 * second, Queue: 64 << 20, IdleConnections: 512,
	}
	if !reflect.DeepEqual(f.Upstreams, map[string]config.Upstream{"shop": shop}) {
		t.Errorf("upstreams: got %+v, want %+v", f.Upstreams, shop)
	}
	recommendations := config.Route{
		Name: "recommendations", Match: config.Match{Path: "/recommendations/*"}, Upstream: "shop", Priority: "sheddable",
		RateLimit:      []config.RateLimit{{Rate: 500, Burst: 1000, Per: "client_ip"}},
		Degrade:        &config.Degrade{Fallback: &config.Fallback{Status: 200, ContentType: "application/json", Body: `{"items":[]}`}},
		Breaker:        config.Breaker{FailureShare: 1, OpenFor: second, Probes: 3},
		ErrorObjective: 0.02,
	}
	if len(f.Routes) != 2 || !reflect.DeepEqual(f.Routes[1], recommendations) {
		t.Errorf("routes[1]: got %+v, want %+v", f.Routes[1], recommendations)
	}
	sum := sha256.Sum256(l.Raw)
	if want := hex.EncodeToString(sum[:])[:12]; l.Hash != want {
		t.Errorf("hash: got %s, want what sha256sum says: %s", l.Hash, want)
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	f := load(t, "testdata/full.yaml").File
	folder, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	checks := []struct {
		what      string
		got, want any
	}{
		{"upstreams in the order of the file", f.UpstreamNames(), []string{"shop", "api"}},
		{"a file from the configuration's folder", f.Listen[0].TLS.KeyFile, filepath.Join(folder, "key.pem")},
		{"a short listener in a list", f.Listen[1].Address, "[::1]:8080"},
		{"a body from a file", f.Routes[0].Degrade.Fallback.Body, `{"items":[]}`},
		{"a burst that was not given", f.Routes[0].RateLimit[0].Burst, 1},
		{"canonical header names", f.Routes[0].Match.Headers, map[string]string{"X-Tenant": "*", "X-Plan": "pro"}},
		{"a merged key", f.Routes[1].Upstream, "shop"},
		{"a key that overrides a merged one", f.Routes[1].Match.Path, "/eu/*"},
		{"a mode of its own", []string{f.Mode, f.Upstreams["shop"].Mode, f.Upstreams["api"].Mode}, []string{"observe", "", "enforce"}},
		{"what routes share", f.Routes[0].Shares, []string{"database", "payment"}},
		{"a session's stage", f.Routes[0].Session.Stage, 2},
		{"header fields for the collector", f.Tracing.Headers, map[string]string{"X-Scope": "shop"}},
		{"off without quotes", f.AccessLog.To, "off"},
		{"a text that looks like a number", f.Upstreams["shop"].Endpoints[1].Version, "1.10"},
	}
	for _, c := range checks {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
}

// Each file of testdata/broken is one kind of mistake; beside it stands what the operator is told.
func TestBrokenFiles(t *testing.T) {
	broken, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(broken) < 20 {
		t.Fatalf("got %d broken files, %v, want at least 20", len(broken), err)
	}
	for _, path := range broken {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := config.Load(path)
			var ps config.Problems
			if !errors.As(err, &ps) {
				t.Fatalf("got error %v, want problems", err)
			}
			got := strings.ReplaceAll(ps.Error(), path, filepath.Base(path)) + "\n"
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	cases := []struct{ name, data, want string }{
		{"empty", "", "t.yaml:1:1: the file is empty"},
		{"only a comment", "# nothing\n", "the file is empty"},
		{"null", "---\n~\n", "the file is empty"},
		{"a list", "- a\n", "is a list; it must be a mapping of name, listen"},
		{"a word", "listen\n", `"listen" is text; it must be a mapping`},
		{"UTF-16", "\xff\xfel\x00i\x00", "the file is UTF-16; save the file as UTF-8 text"},
		{"binary", "\x7fELF\x00", "1:1: a control character"},
		{"NUL", "name: a\nx\x00", "2:2: the file is binary"},
		{"Latin-1", "name: a\n# caf\xe9\n", "2:6: this is not UTF-8"},
		{"too large", strings.Repeat("#", 1<<20) + "\n", "larger than 1 MiB"},
		{"two documents", "listen: :1\n---\nlisten: :2\n", "2:1: here a second document begins"},
		{"unknown anchor", "listen: *here\n", `1:9: no anchor is named "here"`},
		{"tab", "drain:\n\tdelay: 1s\n", "2:2: not YAML: found character that cannot start any token; indent with spaces, not tabs"},
		{"open bracket", "name: a\nlisten: [a, b\nroutes: b\n", "2:1: not YAML: did not find expected ',' or ']'"},
		{
			"a broken line below a list of many lines", "name: [\n" + strings.Repeat("  a,\n", 40) + "]\nlisten: [a, }\n",
			"43:1: not YAML: did not find expected node content",
		},
		{"a byte order mark is fine", "\xef\xbb\xbflisten: :80\n", "upstreams: is missing"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := problems(t, c.data).Error(); !strings.Contains(got, c.want) {
				t.Errorf("got:\n%s\nwant a line with:\n%s", got, c.want)
			}
		})
	}
}

func TestLoadWithoutAFile(t *testing.T) {
	for _, path := range []string{"testdata/none.yaml", "testdata"} {
		_, err := config.Load(path)
		var ps config.Problems
		if err == nil || errors.As(err, &ps) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that names it and is not Problems", path, err)
		}
	}
}

func TestWorkIsBounded(t *testing.T) {
	items := "[" + strings.Repeat("a,", 20000) + "a]"
	long := strings.Repeat("x", 500000)
	cases := []struct{ name, data, want string }{
		{
			"billion laughs in lists",
			"routes:\n- &r {name: a, upstream: b, match: {methods: " + items + "}}\n" + strings.Repeat("- *r\n", 20000),
			"the search ends after 1000 problems",
		},
		{
			"nested merges",
			"a: &a {x: 1}\nb: &b {<<: [" + strings.Repeat("*a,", 2000) + "]}\nc: &c {<<: [" + strings.Repeat("*b,", 2000) +
				"]}\ndrain: {<<: [" + strings.Repeat("*c,", 2000) + "]}\n",
			"aliases repeat too much",
		},
		{"a merge of itself", "drain: &a {<<: *a}\n", "merges nest too deep"},
		{"a list of itself", "listen: &a [*a]\n", "listen[0]: is a list"},
		{"a long text many times", "name: &a " + long + "\npriorities: [" + strings.Repeat("*a,", 1000) + "]\n", "aliases repeat too much"},
		{"nothing but mistakes", strings.Repeat("? [a]\n", 100000), "the search ends after 1000 problems"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			ps := problems(t, c.data)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if len(ps) > 1001 {
				t.Errorf("got %d problems, want at most 1001", len(ps))
			}
			if !strings.Contains(ps.Error(), c.want) {
				t.Errorf("got:\n%.2000s\nwant a line with:\n%s", ps.Error(), c.want)
			}
		})
	}
}

func TestProblemsFoundLater(t *testing.T) {
	l := load(t, "testdata/full.yaml")
	cases := []struct{ path, want string }{
		{"routes[0].match", "testdata/full.yaml:27:7: routes[0].match: w; x"},
		{"routes[0].match.methods[1]", "testdata/full.yaml:28:23: routes[0].match.methods[1]: w; x"},
		{"routes[0].match.headers.X-None", "testdata/full.yaml:30:16: routes[0].match.headers.X-None: w; x"},
		{"listen[1].tls", "testdata/full.yaml:10:5: listen[1].tls: w; x"},
		{"upstreams.api.endpoints[0].url", "testdata/full.yaml:22:21: upstreams.api.endpoints[0].url: w; x"},
		{"nowhere", "testdata/full.yaml:1:1: nowhere: w; x"},
		{"", "testdata/full.yaml:1:1: w; x"},
	}
	for _, c := range cases {
		if got := l.Problem(c.path, "w", "x").String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestHashCoversTheFiles(t *testing.T) {
	folder := t.TempDir()
	body := filepath.Join(folder, "body")
	text := []byte(strings.ReplaceAll(minimal, "upstream: u", "upstream: u\n    degrade: {fallback: {body_file: body}}"))
	hashes := map[string]bool{}
	for _, content := range []string{"one", "two"} {
		if err := os.WriteFile(body, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := config.Parse(filepath.Join(folder, "t.yaml"), text)
		if err != nil {
			t.Fatal(err)
		}
		hashes[l.Hash] = true
	}
	if len(hashes) != 2 {
		t.Errorf("got hashes %v, want two: the file that is referred to changed", hashes)
	}
}

// minimal is the shortest configuration there is.
const minimal = `listen: 127.0.0.1:8080
upstreams:
  u:
    endpoints: [http://127.0.0.1:9000]
routes:
  - name: all
    upstream: u
`

func TestMinimal(t *testing.T) {
	l, err := config.Parse("t.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if r := l.File.Routes[0]; r.Priority != "normal" || r.Match.Path != "/*" {
		t.Errorf("got priority %q, path %q, want normal and /*", r.Priority, r.Match.Path)
	}
}

func TestLoadFromStandardInput(t *testing.T) {
	read, send, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	was := os.Stdin
	os.Stdin = read
	defer func() { os.Stdin = was }()
	if _, err := send.WriteString(minimal + "drain: 5\naccess_log: {to: logs/access.log}\n"); err != nil {
		t.Fatal(err)
	}
	send.Close()
	_, err = config.Load("-")
	if want := `stdin:8:8: drain: "5" is a number; it must be a mapping of delay, timeout`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestTheLogIsInTheFoldersReach(t *testing.T) {
	l, err := config.Parse("/etc/triage/triage.yaml", []byte(minimal+"access_log: {to: ./access.log}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.File.AccessLog.To, "/etc/triage/access.log"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
