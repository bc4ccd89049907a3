package route_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"triage/proxy/route"
)

func request(t testing.TB, method, host, target string, header ...string) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	if !route.Normalize(u) {
		t.Fatalf("Normalize refused %q", target)
	}
	r := &http.Request{Method: method, Host: host, URL: u, Header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func table(t testing.TB, rules []route.Rule) *route.Table {
	t.Helper()
	for i := range rules {
		if rules[i].Name == "" {
			rules[i].Name = fmt.Sprintf("rule%d", i)
		}
	}
	tab, err := route.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

var shop = []route.Rule{
	{Name: "rest", Path: "/*"},
	{Name: "checkout", Path: "/checkout", Methods: []string{"POST"}},
	{Name: "checkout-any", Path: "/checkout"},
	{Name: "api", Path: "/api/*"},
	{Name: "api-v1", Path: "/api/v1/*", Methods: []string{"GET"}},
	{Name: "api-v1-beta", Path: "/api/v1/*", Methods: []string{"GET"}, Headers: map[string]string{"x-beta": "*"}},
	{Name: "api-v1-beta2", Path: "/api/v1/*", Methods: []string{"GET"}, Headers: map[string]string{"X-Beta": "2", "X-Team": "a"}},
	{Name: "head", Path: "/file", Methods: []string{"HEAD"}},
	{Name: "get", Path: "/file", Methods: []string{"GET"}},
	{Name: "root", Path: "/", Methods: []string{"GET"}},
	{Name: "cafe", Path: "/caf\u00e9/*"},
	{Name: "slash", Path: "/dir/"},
	{Name: "host", Path: "/*", Host: "Shop.Example.com."},
	{Name: "host-get", Path: "/only", Host: "get.example.com", Methods: []string{"GET"}},
	{Name: "wild", Path: "/*", Host: "*.example.com"},
	{Name: "wilder", Path: "/x", Host: "*.eu.example.com"},
	{Name: "v6", Path: "/*", Host: "[::1]"},
}

func TestMatch(t *testing.T) {
	tests := []struct {
		method, host, target string
		header               []string
		want                 string
	}{
		{"POST", "a", "/checkout", nil, "checkout"},
		{"GET", "a", "/checkout", nil, "checkout-any"},
		{"POST", "a", "/checkout/", nil, "rest"},
		{"POST", "a", "//checkout", nil, "checkout"},
		{"POST", "a", "/a/../checkout", nil, "checkout"},
		{"POST", "a", "/%63heckout", nil, "checkout"},
		{"POST", "a", "/checkout;jsessionid=1", nil, "checkout"},
		{"POST", "a", "/checkout%3Bx", nil, "checkout"},
		{"POST", "a", "/Checkout", nil, "rest"},

		{"GET", "a", "/api", nil, "api"},
		{"GET", "a", "/api/", nil, "api"},
		{"GET", "a", "/apix", nil, "rest"},
		{"GET", "a", "/api/v1", nil, "api-v1"},
		{"GET", "a", "/api/v1/x/y", nil, "api-v1"},
		{"POST", "a", "/api/v1/x/y", nil, "api"},
		{"GET", "a", "/api;a=1/v1;b=2/x", nil, "api-v1"},
		{"HEAD", "a", "/api/v1/x", nil, "api-v1"},
		{"GET", "a", "/api/v2/v1", nil, "api"},

		{"GET", "a", "/api/v1/x", []string{"X-Beta", "1"}, "api-v1-beta"},
		{"GET", "a", "/api/v1/x", []string{"X-Beta", "2", "X-Team", "a"}, "api-v1-beta2"},
		{"GET", "a", "/api/v1/x", []string{"X-Beta", "2", "X-Team", "a", "X-Team", "b"}, "api-v1-beta"},
		{"GET", "a", "/api/v1/x", []string{"X-Team", "a"}, "api-v1"},

		{"HEAD", "a", "/file", nil, "head"},
		{"GET", "a", "/file", nil, "get"},
		{"PUT", "a", "/file", nil, "rest"},
		{"GET", "a", "/", nil, "root"},
		{"POST", "a", "/", nil, "rest"},
		{"GET", "a", "/caf%c3%a9/x", nil, "cafe"},
		{"GET", "a", "/dir/", nil, "slash"},
		{"GET", "a", "/dir", nil, "rest"},

		{"GET", "shop.example.com", "/checkout", nil, "host"},
		{"GET", "SHOP.example.COM.:8080", "/checkout", nil, "host"},
		{"GET", "get.example.com", "/only", nil, "host-get"},
		{"POST", "get.example.com", "/only", nil, "wild"},
		{"GET", "a.b.example.com", "/checkout", nil, "wild"},
		{"GET", "a.eu.example.com", "/x", nil, "wilder"},
		{"GET", "a.eu.example.com", "/y", nil, "wild"},
		{"GET", "eu.example.com", "/x", nil, "wild"},
		{"GET", "example.com", "/x", nil, "rest"},
		{"GET", "notexample.com", "/x", nil, "rest"},
		{"GET", "[::1]:443", "/x", nil, "v6"},
		{"GET", "", "/x", nil, "rest"},
		{"GET", strings.Repeat("a.", 20000) + "example.com", "/x", nil, "wild"},
	}
	tab := table(t, shop)
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %.40s%s", tt.method, tt.host, tt.target), func(t *testing.T) {
			r := request(t, tt.method, tt.host, tt.target, tt.header...)
			i, ok := tab.Match(r)
			if !ok || shop[i].Name != tt.want {
				t.Errorf("Match = rule %d, %v, want %q", i, ok, tt.want)
			}
			if got := explained(tab, r); got != i {
				t.Errorf("Explain gives rule %d, Match %d", got, i)
			}
		})
	}
}

func TestMatchNothing(t *testing.T) {
	tab := table(t, []route.Rule{{Path: "/a", Host: "x.example"}})
	if i, ok := tab.Match(request(t, "GET", "y.example", "/a")); ok || i != -1 {
		t.Errorf("Match = %d, %v, want -1, false", i, ok)
	}
}

func TestExplain(t *testing.T) {
	tab := table(t, shop)
	steps := tab.Explain(request(t, "POST", "a", "/api/v1/x"))
	if len(steps) != len(shop) {
		t.Fatalf("%d steps, want one a rule: %d", len(steps), len(shop))
	}
	want := map[string]string{
		"host":         `host "a" is not "shop.example.com"`,
		"wild":         `host "a" does not end in ".example.com"`,
		"checkout":     `path "/api/v1/x" is not covered by "/checkout"`,
		"api-v1-beta2": `method "POST" is not one of GET`,
		"api":          "covers it and is the most specific that does",
		"rest":         `would cover it, but "api" is more specific`,
	}
	for _, s := range steps {
		if w, ok := want[shop[s.Rule].Name]; ok && s.Verdict != w {
			t.Errorf("%s: verdict %q, want %q", shop[s.Rule].Name, s.Verdict, w)
		}
	}
	for _, s := range tab.Explain(request(t, "GET", "a", "/api/v1/x", "X-Beta", "3")) {
		if shop[s.Rule].Name == "api-v1-beta2" && s.Verdict != `header X-Beta is not "2"` {
			t.Errorf("verdict %q, want the header to be named", s.Verdict)
		}
	}
}

func explained(tab *route.Table, r *http.Request) int {
	for _, s := range tab.Explain(r) {
		if s.Covers {
			return s.Rule
		}
	}
	return -1
}

// TestMatchAgreesWithExplain holds the tree against the plain walk over all rules, on many small random tables in which
// everything overlaps.
func TestMatchAgreesWithExplain(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	one := func(of ...string) string { return of[dice.IntN(len(of))] }
	paths := []string{"/", "/a", "/a/", "/b", "/a/a", "/a/b", "/a/a/a", "/c/a"}
	rules := func() []route.Rule {
		var out []route.Rule
		for range 1 + dice.IntN(12) {
			rule := route.Rule{Path: one(append(paths, "/*", "/a/*", "/b/*", "/a/b/*")...), Host: one("", "", "x.y", "*.y", "*.x.y")}
			for _, m := range []string{"GET", "HEAD", "POST"} {
				if dice.IntN(4) == 0 {
					rule.Methods = append(rule.Methods, m)
				}
			}
			for _, h := range []string{"H", "I"} {
				if dice.IntN(4) == 0 {
					rule.Headers = map[string]string{h: one("1", "2", "*")}
				}
			}
			if _, err := route.New(append(out, rule)); err == nil {
				out = append(out, rule)
			}
		}
		return out
	}
	covered := 0
	for range 400 {
		list := rules()
		tab := table(t, list)
		for range 50 {
			r := request(t, one("GET", "HEAD", "POST", "PUT"), one("x.y", "y", "a.y", "b.x.y", "z"), one(paths...), "H", one("1", "2", "3"), "I", one("1", "2"))
			i, ok := tab.Match(r)
			if want := explained(tab, r); i != want || ok != (want >= 0) {
				t.Fatalf("%s %s%s %v: Match = %d, Explain = %d in %+v", r.Method, r.Host, r.URL.Path, r.Header, i, want, list)
			}
			if ok {
				covered++
			}
		}
	}
	if covered < 5000 {
		t.Errorf("only %d of 20000 requests were covered, the test shows too little", covered)
	}
}

func many(n int) []route.Rule {
	rules := []route.Rule{{Path: "/*"}}
	for i := range n / 2 {
		rules = append(rules,
			route.Rule{Path: fmt.Sprintf("/api/v1/thing%d/*", i)},
			route.Rule{Path: fmt.Sprintf("/shop/page%d", i), Methods: []string{"GET"}})
	}
	return rules
}

func TestMatchDoesNotAllocate(t *testing.T) {
	tab := table(t, append(many(100), route.Rule{Path: "/x", Host: "shop.example.com"}, route.Rule{Path: "/x", Host: "*.example.com"}))
	for _, target := range []string{"/api/v1/thing7/sub/page", "/shop/page3", "/nowhere/at/all", "/shop/page3;a=1"} {
		r := request(t, "GET", "www.shop.example.com:8080", target)
		if got := testing.AllocsPerRun(100, func() { tab.Match(r) }); got != 0 {
			t.Errorf("Match %s allocates %v times, want 0", target, got)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		tab := table(b, many(n))
		for name, target := range map[string]string{"exact": "/shop/page3", "prefix": "/api/v1/thing3/sub/page", "none": "/nowhere/at/all"} {
			b.Run(fmt.Sprintf("rules=%d/%s", n, name), func(b *testing.B) {
				r := request(b, "GET", "shop.example.com", target)
				b.ReportAllocs()
				for b.Loop() {
					tab.Match(r)
				}
			})
		}
	}
}
