package edge_test

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"triage/proxy/edge"
)

func TestSanitize(t *testing.T) {
	const identity, control, twin, harmless = "identity", "control", "twin", "harmless"
	tests := map[string]string{
		"X-Forwarded-For": identity, "X-Forwarded-Proto": identity, "X-Forwarded-Anything": identity, "X-Forwarded": identity,
		"Forwarded": identity, "X-Real-Ip": identity, "True-Client-Ip": identity, "X-Request-Id": identity,
		"X-Original-Url": identity, "X-Rewrite-Url": identity, "X-Envoy-Original-Path": identity,

		"X-Triage-Degrade": control, "X-Triage-": control, "X-Priority": control, "X-Criticality": control, "Proxy": control,
		"x-triage-degrade": control,

		"X_forwarded_for": twin, "X-Forwarded_for": twin, "X_real_ip": twin, "X_triage_degrade": twin, "X_request_id": twin, "X_priority": twin,
		"X_FORWARDED_PROTO": twin, "Content_Length": twin, "transfer_encoding": twin, "X_tier": twin, "x_session-Key": twin,

		"Priority": harmless, "Accept": harmless, "X-Forward": harmless, "X-Forwardedness": harmless, "X-Triage": harmless,
		"X-Priority-Mail": harmless, "Proxy-Authorization": harmless, "X-Request": harmless, "X_custom": harmless, "Via": harmless,
		"Cookie": harmless, "Traceparent": harmless, "": harmless, "X-Tier": harmless, "Content-Length": harmless, "_": harmless, "X_tiers": harmless,
	}
	decisive := []string{"x-tier", "x-session-key"}
	for name, kind := range tests {
		for _, trusted := range []bool{false, true} {
			h := http.Header{name: {"1"}}
			if clean := edge.Sanitize(h, edge.Client{Trusted: trusted}, decisive); clean != (kind != twin) {
				t.Errorf("peer trusted %v: %q may pass: %v, and it is %s", trusted, name, clean, kind)
			}
			_, got := h[name]
			if want := kind == harmless || kind == identity && trusted; got != want && kind != twin {
				t.Errorf("peer trusted %v: %q is kept: %v, want %v", trusted, name, got, want)
			}
		}
	}
}

func TestForwarded(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::1")
	proxy := netip.MustParseAddr("10.0.0.1")
	tests := []struct {
		name   string
		before http.Header
		client edge.Client
		proto  string
		want   map[string]string
	}{
		{"fresh", http.Header{"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Port": {"66"}, "Forwarded": {"for=6.6.6.6"}},
			edge.Client{Addr: v4, Peer: v4, Scheme: "http", Host: "shop.example"}, "HTTP/1.1", map[string]string{
				"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "shop.example", "X-Forwarded-Port": "80",
				"Forwarded": "for=192.0.2.7;host=shop.example;proto=http", "Via": "1.1 triage",
			}},
		{"IPv6 and port", http.Header{}, edge.Client{Addr: v6, Peer: v6, Scheme: "https", Host: "shop.example:8443"}, "HTTP/2.0", map[string]string{
			"X-Forwarded-For": "2001:db8::1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example:8443", "X-Forwarded-Port": "8443",
			"Forwarded": `for="[2001:db8::1]";host="shop.example:8443";proto=https`, "Via": "2.0 triage",
		}},
		{"behind a trusted proxy", http.Header{
			"X-Forwarded-For": {"6.6.6.6", "192.0.2.7"}, "Forwarded": {"for=192.0.2.7;proto=https"}, "X-Forwarded-Port": {"444"}, "Via": {"1.1 a", "1.0 b"},
		}, edge.Client{Addr: v4, Peer: proxy, Trusted: true, Scheme: "https", Host: "shop.example"}, "HTTP/1.1", map[string]string{
			"X-Forwarded-For": "6.6.6.6, 192.0.2.7, 10.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example", "X-Forwarded-Port": "444",
			"Forwarded": "for=192.0.2.7;proto=https, for=10.0.0.1;host=shop.example;proto=https", "Via": "1.1 a, 1.0 b, 1.1 triage",
		}},
		{"a trusted proxy without Forwarded", http.Header{"X-Forwarded-For": {"192.0.2.7"}},
			edge.Client{Addr: v4, Peer: proxy, Trusted: true, Scheme: "https"}, "HTTP/1.0", map[string]string{
				"X-Forwarded-For": "192.0.2.7, 10.0.0.1", "X-Forwarded-Port": "443", "Via": "1.0 triage",
				"Forwarded": "for=192.0.2.7;proto=https, for=10.0.0.1;proto=https",
			}},
		{"a trusted proxy that says nothing", http.Header{}, edge.Client{Addr: proxy, Peer: proxy, Trusted: true, Scheme: "http", Host: "a"}, "HTTP/1.1", map[string]string{
			"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1;host=a;proto=http",
		}},
		{"nobody known", http.Header{}, edge.Client{Scheme: "http", Host: `a"b\`}, "HTTP/1.1", map[string]string{
			"X-Forwarded-For": "unknown", "Forwarded": `for=unknown;host="a\"b\\";proto=http`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := maps.Clone(tt.before)
			edge.Forwarded(h, tt.client, "triage", tt.proto)
			for _, name := range slices.Sorted(maps.Keys(tt.want)) {
				if got := strings.Join(h[name], "|"); got != tt.want[name] {
					t.Errorf("%s: %s, want %s", name, got, tt.want[name])
				}
			}
		})
	}
}

// headers is what a browser sends.
func headers() http.Header {
	return http.Header{
		"Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "Accept-Language": {"en"}, "User-Agent": {"test"}, "Cookie": {"sid=1"},
		"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"same-origin"}, "Content-Type": {"application/json"}, "Origin": {"https://a"},
	}
}

func TestSanitizeDoesNotAllocate(t *testing.T) {
	h := headers()
	if got := testing.AllocsPerRun(100, func() { edge.Sanitize(h, edge.Client{}, nil) }); got != 0 {
		t.Errorf("Sanitize allocates %v times, want 0", got)
	}
}

func BenchmarkSanitize(b *testing.B) {
	h := headers()
	b.ReportAllocs()
	for b.Loop() {
		edge.Sanitize(h, edge.Client{}, nil)
	}
}

func BenchmarkForwarded(b *testing.B) {
	h := headers()
	addr := netip.MustParseAddr("192.0.2.7")
	c := edge.Client{Addr: addr, Peer: addr, Scheme: "https", Host: "shop.example"}
	b.ReportAllocs()
	for b.Loop() {
		delete(h, "Via")
		edge.Forwarded(h, c, "triage", "HTTP/1.1")
	}
}
