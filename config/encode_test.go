package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"triage/config"
)

// readBack writes a file's configuration and reads it again.
func readBack(t *testing.T, name string, f *config.File) *config.Loaded {
	t.Helper()
	text, err := f.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := config.Parse(name, text)
	if err != nil {
		t.Fatalf("%v\nfrom what YAML wrote:\n%s", err, text)
	}
	if !reflect.DeepEqual(again.File, *f) {
		t.Fatalf("got:\n%+v\nwant:\n%+v\nfrom what YAML wrote:\n%s", again.File, *f, text)
	}
	return again
}

func TestYAMLReadsBack(t *testing.T) {
	for _, path := range []string{"testdata/example.yaml", "testdata/full.yaml"} {
		l := load(t, path)
		// Paths are absolute, so it does not matter where the text is put.
		again := readBack(t, "/elsewhere/triage.yaml", &l.File)
		if changes := config.Diff(l, again); len(changes) != 0 {
			t.Errorf("%s: got changes %v, want none", path, changes)
		}
	}
}

// Any text may be a body; quoted Go and double-quoted YAML agree on these.
func TestYAMLKeepsText(t *testing.T) {
	for _, body := range []string{"yes", "true", "null", "off", "word", " a ", "a\r\nb\n\n", "\u00e9\u2028", "---", "<<", "12", "# no", "{\"a\": 1}\t"} {
		l, err := config.Parse("t.yaml", []byte(minimal+"    degrade: {fallback: {body: "+strconv.Quote(body)+"}}\n"))
		if err != nil {
			t.Errorf("%q: %v", body, err)
			continue
		}
		if got := readBack(t, "t.yaml", &l.File).File.Routes[0].Degrade.Fallback.Body; got != body {
			t.Errorf("got %q, want %q", got, body)
		}
	}
}

func TestYAMLShowsDefaults(t *testing.T) {
	text, err := new(config.File).YAML()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "drain:\n") {
		t.Errorf("a zero File: got:\n%s", text)
	}
	l := load(t, "testdata/example.yaml")
	if text, err = l.File.YAML(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`connect_timeout: "1s"`, `failure_share: "100%"`, "lane: auto", "to: stdout", "burst: 1000", `header: "64KiB"`} {
		if !strings.Contains(string(text), strings.ReplaceAll(want, `"`, "")) && !strings.Contains(string(text), want) {
			t.Errorf("want %s in:\n%s", want, text)
		}
	}
}

func TestDiff(t *testing.T) {
	was := "testdata/full.yaml"
	text, err := os.ReadFile(was)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name     string
		replaced []string
		want     []string
	}{
		{"nothing", nil, nil},
		{"a comment", []string{"# Every key there is.", "# Hello."}, nil},
		{"another way to write a rate", []string{"30/m", "0.5/s"}, nil},
		{"a rate", []string{"rate: 30/m", "rate: 60/m"}, []string{
			"routes.checkout.rate_limit[0].rate: 30/m -> 1/s", "routes.checkout-eu.rate_limit[0].rate: 30/m -> 1/s",
		}},
		{"a name", []string{"name: checkout-eu", "name: checkout-us"}, []string{"routes.checkout-eu: removed", "routes.checkout-us: added"}},
		{"a weight", []string{"weight: 3", "weight: 4"}, []string{"upstreams.shop.endpoints[https://shop.example.com].weight: 3 -> 4"}},
		{"an optional part", []string{"session: {cookie: sid}", "session: {header: X-User}"}, []string{
			"routes.checkout-eu.session.cookie: sid -> none", "routes.checkout-eu.session.header: none -> X-User",
		}},
		{"TLS", []string{"    tls: {cert_file: cert.pem, key_file: key.pem}\n", ""}, []string{"listen[0.0.0.0:8443].tls: removed"}},
		{"a list", []string{"[POST, GET]", "[POST]"}, []string{"routes.checkout.match.methods: [POST GET] -> [POST]"}},
		{"a header", []string{"X-Plan: \"pro\"", "X-Plan: \"free\""}, []string{"routes.checkout.match.headers.X-Plan: pro -> free"}},
		{"a text with blanks", []string{"no\\ttabs", "some\\ttabs"}, []string{
			`routes.checkout-eu.degrade.fallback.body: "no\ttabs lost\n" -> "some\ttabs lost\n"`,
		}},
		{"an upstream", []string{"  api: {endpoints: [\"http://[::1]:9001\"], mode: enforce, queue: 16MiB}\n", ""}, []string{"upstreams.api: removed"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			now := strings.NewReplacer(c.replaced...).Replace(string(text))
			if len(c.replaced) > 0 && now == string(text) {
				t.Fatalf("%q is not in %s", c.replaced[0], was)
			}
			new, err := config.Parse(was, []byte(now))
			if err != nil {
				t.Fatal(err)
			}
			if got := config.Diff(load(t, was), new); !slices.Equal(got, c.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestDiffSeesFiles(t *testing.T) {
	folder := t.TempDir()
	path, body := filepath.Join(folder, "triage.yaml"), filepath.Join(folder, "body")
	write(t, path, minimal+"    degrade: {fallback: {body_file: body}}\n")
	write(t, body, "one")
	old := load(t, path)
	write(t, body, "two")
	if got, want := config.Diff(old, load(t, path)), []string{body + ": content changed"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whatever the bytes: problems with a place, or a configuration that reads back.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/broken/*.yaml"} {
		seeds, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, seed := range seeds {
			text, err := os.ReadFile(seed)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const name = "testdata/fuzz.yaml"
		l, err := config.Parse(name, data)
		var ps config.Problems
		if errors.As(err, &ps) {
			for _, p := range ps {
				if p.Line < 1 || p.Column < 1 || p.What == "" || strings.ContainsAny(p.String(), "\n\x1b") {
					t.Errorf("a problem without a place, or not of one line: %#v", p)
				}
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		again := readBack(t, name, &l.File)
		if changes := config.Diff(l, again); len(changes) != 0 {
			t.Errorf("got changes %q, want none", changes)
		}
	})
}
