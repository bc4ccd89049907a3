package route_test

import (
	"net/url"
	"strings"
	"testing"

	"triage/proxy/route"
)

func TestCanonical(t *testing.T) {
	const refused = "(refused)"
	tests := []struct{ in, want string }{
		{"", "/"},
		{"/", "/"},
		{"/checkout", "/checkout"},
		{"/a/b/", "/a/b/"},

		{"//checkout", "/checkout"},
		{"/a//b///c", "/a/b/c"},
		{"/a//", "/a/"},
		{"//", "/"},

		{"/a/../checkout", "/checkout"},
		{"/a/./b/.", "/a/b/"},
		{"/a/b/..", "/a/"},
		{"/..", "/"},
		{"/../../checkout", "/checkout"},
		{"/a//../b", "/b"},
		{"/a/%2e%2e/checkout", "/checkout"},
		{"/a/.%2E/checkout", "/checkout"},
		{"/%2e", "/"},
		{"/.well-known/x", "/.well-known/x"},
		{"/...", "/..."},
		{"/a/..b/b..", "/a/..b/b.."},

		{"/%63heckout", "/checkout"},
		{"/%7Euser/%2D%5f", "/~user/-_"},
		{"/caf%c3%a9", "/caf%C3%A9"},
		{"/caf\u00e9", "/caf%C3%A9"},
		{"/a%20b", "/a%20b"},
		{"/a\"b{}", "/a%22b%7B%7D"},
		{"/a%2Bb+c", "/a%2Bb+c"},
		{"/!$&'()*+,;=:@[]", "/!$&'()*+,;=:@[]"},
		{"/%252e%252e/x", "/%252e%252e/x"},
		{"/a%3Bb", "/a%3Bb"},
		{"/a;v=1/b", "/a;v=1/b"},

		{"/static/..;/checkout", refused},
		{"/static/..;x=1/checkout", refused},
		{"/static/.;/checkout", refused},
		{"/static/%2e%2e;/checkout", refused},
		{"/static/..%3b/checkout", refused},
		{"/static/..%2fcheckout", refused},
		{"/static/..%2Fcheckout", refused},
		{"/a%5c..%5ccheckout", refused},
		{`/a\checkout`, refused},
		{"/a%00", refused},
		{"/a%", refused},
		{"/a%2", refused},
		{"/a%zz", refused},
		{"/a b", refused},
		{"/a\x00b", refused},
		{"/a\x7fb", refused},
		{"/a?b", refused},
		{"/a#b", refused},
		{"checkout", refused},
		{"*", refused},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, ok := route.Canonical(tt.in)
			if !ok {
				got = refused
			}
			if got != tt.want {
				t.Errorf("Canonical(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCanonicalKeepsCanonicalPathsWithoutAllocating(t *testing.T) {
	for _, path := range []string{"/", "/api/v1/orders/4711", "/.well-known/x", "/caf%C3%A9/a%20b;v=1"} {
		allocs := testing.AllocsPerRun(100, func() {
			if got, ok := route.Canonical(path); !ok || got != path {
				t.Fatalf("Canonical(%q) = %q, %v, want it unchanged", path, got, ok)
			}
		})
		if allocs != 0 {
			t.Errorf("Canonical(%q) allocates %v times, want 0", path, allocs)
		}
	}
}

func TestNormalize(t *testing.T) {
	tests := []struct {
		in, wantURI, wantPath string
	}{
		{"/a/../checkout?x=1;y=2", "/checkout?x=1;y=2", "/checkout"},
		{"/a%2Bb!*'()/[x]", "/a%2Bb!*'()/[x]", "/a+b!*'()/[x]"},
		{"/caf%c3%a9?", "/caf%C3%A9?", "/caf\u00e9"},
		{"http://evil.example/x//y", "/x/y", "/x/y"},
		{"http://evil.example", "/", "/"},
		{"//evil.example/x", "/evil.example/x", "/evil.example/x"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			u, err := url.ParseRequestURI(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if !route.Normalize(u) {
				t.Fatalf("Normalize(%q) refused it", tt.in)
			}
			if got := u.RequestURI(); got != tt.wantURI {
				t.Errorf("Normalize(%q): request target %q, want %q", tt.in, got, tt.wantURI)
			}
			if u.Path != tt.wantPath {
				t.Errorf("Normalize(%q): path %q, want %q", tt.in, u.Path, tt.wantPath)
			}
		})
	}
}

func TestNormalizeRefuses(t *testing.T) {
	for _, in := range []string{"mailto:somebody", "/a%2fb", "/..;/x", "*"} {
		u, err := url.ParseRequestURI(in)
		if err != nil {
			t.Fatal(err)
		}
		before := *u
		if route.Normalize(u) {
			t.Errorf("Normalize(%q) accepted it as %q, want it refused", in, u.RequestURI())
		}
		if *u != before {
			t.Errorf("Normalize(%q) changed a URL that it refused", in)
		}
	}
}

func TestPlain(t *testing.T) {
	tests := map[string]bool{
		"/": true, "/checkout": true, "/a/": true, "/a%20b": true, "/caf%c3%a9": true, "/.well-known/x": true, "/a..b/...": true, "/a|b": true, "": true,
		"/a/../b": false, "/./a": false, "/a/.": false, "/..": false, "//a": false, "/a//": false, "/%63heckout": false, "/%2e%2e/a": false, "/..;/a": false,
		"/a/.%2E": false,
	}
	for path, want := range tests {
		if got := route.Plain(path); got != want {
			t.Errorf("Plain(%q) = %v, want %v", path, got, want)
		}
		// What is plain keeps its meaning.
		if canonical, ok := route.Canonical(path); route.Plain(path) && ok {
			before, _ := url.PathUnescape(path)
			if after, _ := url.PathUnescape(canonical); path != "" && before != after {
				t.Errorf("%q is plain, and means %q before and %q after it is brought to its spelling", path, before, after)
			}
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{"/", "//a/../b", "/%63heckout", "/static/..;/checkout", "/static/..%2fcheckout", "/a%25%32e", "/.%2e/.", "/\xff\"", "/%", "/a/;/..", "/[%5B]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		once, ok := route.Canonical(in)
		if !ok {
			return
		}
		twice, ok := route.Canonical(once)
		if !ok || twice != once {
			t.Fatalf("Canonical(%q) = %q, and again %q, %v: not idempotent", in, once, twice, ok)
		}
		decoded, err := url.PathUnescape(once)
		if err != nil {
			t.Fatalf("Canonical(%q) = %q: %v", in, once, err)
		}
		for _, bad := range []string{"//", "/./", "/../", "\\", "\x00", "/.;", "/..;"} {
			if strings.Contains(strings.TrimSuffix(decoded, "/")+"/", bad) {
				t.Fatalf("Canonical(%q) = %q, which means %q and holds %q", in, once, decoded, bad)
			}
		}
		sent := &url.URL{Path: decoded, RawPath: once}
		if got := sent.EscapedPath(); got != once {
			t.Fatalf("Canonical(%q) = %q, but net/url would send %q", in, once, got)
		}
	})
}

func BenchmarkCanonical(b *testing.B) {
	for name, path := range map[string]string{"canonical": "/api/v1/orders/4711/items", "changed": "/api//v1/%6frders/./4711/items"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				route.Canonical(path)
			}
		})
	}
}
