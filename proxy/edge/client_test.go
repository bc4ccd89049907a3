package edge_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"triage/proxy/edge"
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestClientOf(t *testing.T) {
	trust := prefixes("127.0.0.0/8", "10.0.0.0/8", "::ffff:172.16.0.0/108", "2001:db8:1::/48")
	tests := []struct {
		name   string
		trust  []netip.Prefix
		header string
		want   string // address, trusted, scheme, host
	}{
		{"nobody said anything", trust, "", "127.0.0.1 true http shop.example"},
		{"one hop", trust, "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7 true http shop.example"},
		{"untrusted peer", nil, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n", "127.0.0.1 false http shop.example"},
		{"spoofed on the left", trust, "X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n", "192.0.2.7 true http shop.example"},
		{"spoofed trusted on the left", trust, "X-Forwarded-For: 10.9.9.9, 192.0.2.7\r\n", "192.0.2.7 true http shop.example"},
		{"past trusted hops", trust, "X-Forwarded-For: 198.51.100.1, 192.0.2.7, 10.1.2.3, 10.1.2.4\r\n", "192.0.2.7 true http shop.example"},
		{"two lines are one list", trust, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.1.2.3\r\n", "192.0.2.7 true http shop.example"},
		{"spoof in the first line", trust, "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7 true http shop.example"},
		{"mapped", trust, "X-Forwarded-For: 192.0.2.7, ::ffff:10.1.2.3\r\n", "192.0.2.7 true http shop.example"},
		{"mapped client", trust, "X-Forwarded-For: ::ffff:192.0.2.7\r\n", "192.0.2.7 true http shop.example"},
		{"prefix given mapped", trust, "X-Forwarded-For: 192.0.2.7, 172.16.3.4\r\n", "192.0.2.7 true http shop.example"},
		{"IPv6", trust, "X-Forwarded-For: 2001:db8:2::1, 2001:db8:1::9\r\n", "2001:db8:2::1 true http shop.example"},
		{"ports and brackets", trust, "X-Forwarded-For: [2001:db8:2::1]:4711, [2001:db8:1::9], 10.0.0.1:80\r\n", "2001:db8:2::1 true http shop.example"},
		{"zone", trust, "X-Forwarded-For: fe80::1%eth0\r\n", "fe80::1 true http shop.example"},
		{"garbage ends the walk", trust, "X-Forwarded-For: 192.0.2.7, unknown, 10.1.2.3\r\n", "10.1.2.3 true http shop.example"},
		{"only garbage", trust, "X-Forwarded-For: <script>\r\n", "127.0.0.1 true http shop.example"},
		{"half a bracket", trust, "X-Forwarded-For: 192.0.2.7, [::1\r\n", "127.0.0.1 true http shop.example"},
		{"empty elements", trust, "X-Forwarded-For: , 192.0.2.7, ,\r\n", "192.0.2.7 true http shop.example"},
		{"all trusted", trust, "X-Forwarded-For: 10.0.0.9, 10.1.2.3\r\n", "10.0.0.9 true http shop.example"},
		{"scheme and host", trust, "X-Forwarded-Proto: HTTPS\r\nX-Forwarded-Host: www.example:8443\r\n", "127.0.0.1 true https www.example:8443"},
		{"scheme: the peer's own word", trust, "X-Forwarded-Proto: https, http\r\n", "127.0.0.1 true http shop.example"},
		{"nonsense scheme and host", trust, "X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a\"b\r\n", "127.0.0.1 true http shop.example"},
		{"great host", trust, "X-Forwarded-Host: " + strings.Repeat("a", 400) + "\r\n", "127.0.0.1 true http shop.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, _ := serve(t, edge.Settings{TrustedProxies: tt.trust}, func(w http.ResponseWriter, r *http.Request) {
				c := edge.ClientOf(r)
				if c.Peer != netip.MustParseAddr("127.0.0.1") {
					t.Errorf("peer %v, want 127.0.0.1", c.Peer)
				}
				r.Header.Set("X-Forwarded-For", "203.0.113.9")
				if again := edge.ClientOf(r); again != c {
					t.Errorf("ClientOf gives %v when the header has changed, want %v still", again, c)
				}
				fmt.Fprint(w, c.Addr, " ", c.Trusted, " ", c.Scheme, " ", c.Host)
			})
			c := dial(t, l)
			c.send("GET / HTTP/1.1\r\nHost: shop.example\r\n" + tt.header + "\r\n")
			if _, got := c.response("GET"); got != tt.want {
				t.Errorf("client %q, want %q", got, tt.want)
			}
		})
	}
}

func TestClientOfWithoutListener(t *testing.T) {
	r := &http.Request{RemoteAddr: "[::ffff:192.0.2.7]:80", Host: "a", Header: http.Header{"X-Forwarded-For": {"10.0.0.1"}}}
	want := edge.Client{Addr: netip.MustParseAddr("192.0.2.7"), Peer: netip.MustParseAddr("192.0.2.7"), Scheme: "http", Host: "a"}
	if got := edge.ClientOf(r); got != want {
		t.Errorf("ClientOf = %+v, want %+v", got, want)
	}
	r.RemoteAddr = "@"
	if got := edge.ClientOf(r); got.Addr.IsValid() || got.Trusted {
		t.Errorf("ClientOf of a peer without address = %+v, want no address and no trust", got)
	}
}

func FuzzXForwardedFor(f *testing.F) {
	for _, seed := range []string{"", ",", "1.2.3.4", "a,[::1]:80,10.0.0.1", "::ffff:10.0.0.1,", "[", "%", "1.2.3.4:99999"} {
		f.Add(seed)
	}
	trust := prefixes("192.0.2.0/24", "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, list string) {
		addr := edge.Walk([]string{list}, netip.MustParseAddr("192.0.2.1"), trust)
		spoofed := edge.Walk([]string{"203.0.113.5, 10.0.0.1," + list + ", 198.51.100.7"}, netip.MustParseAddr("192.0.2.1"), trust)
		if !addr.IsValid() || addr.Is4In6() || addr.Zone() != "" {
			t.Errorf("walk of %q gives %v, want a plain address", list, addr)
		}
		if spoofed != netip.MustParseAddr("198.51.100.7") {
			t.Errorf("with %q on the left the client is %v, want what the trusted peer saw", list, spoofed)
		}
	})
}
