package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// introduced is a listener whose balancer is on this host.
const introduced = "listen: {address: '127.0.0.1:0', proxy_protocol: [127.0.0.1], timeouts: {read_header: 500ms}}"

// By whom a balancer names the quota goes, the log, and what the backend is told; X-Forwarded-For is no more to be believed than before.
func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testProxyProtocol)
}

func testProxyProtocol(t *testing.T) {
	t.Parallel()
	r := start(t, conf(strings.Replace(introduced, "500ms", "20s", 1), backend(t, echo), "  - {name: all, upstream: app, rate_limit: {rate: 1/h, burst: 1, per: client_ip}}\n"))
	for i, step := range []struct {
		head, client string
		want         int
	}{
		{"PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n", "192.0.2.7", 200},
		{"PROXY TCP4 192.0.2.7 127.0.0.1 4712 80\r\n", "192.0.2.7", 429},
		{"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x08\x7f\x00\x00\x01\x12\x67\x00\x50", "192.0.2.8", 200},
		{"PROXY TCP6 2001:db8::7 ::1 4711 80\r\n", "2001:db8::7", 200},
		{"PROXY UNKNOWN\r\n", "127.0.0.1", 200},
		{"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", "127.0.0.1", 429},
	} {
		w := dial(t, r.url)
		// In one write: what comes behind the header is the request, all of it.
		w.say("%sGET /%d HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n", step.head, i)
		a := w.answer()
		if line := logged(t, r.access, fmt.Sprintf("/%d", i)); a.status != step.want || line["client"] != step.client {
			t.Errorf("%q: %d of client %v, %v; want %d of %s", step.head, a.status, line["client"], a.err, step.want, step.client)
		}
		if step.want == 200 {
			if got := a.seen(t).Header.Get("X-Forwarded-For"); got != step.client {
				t.Errorf("%q: the backend is told %q, want %s", step.head, got, step.client)
			}
			w.say("GET /%d/again HTTP/1.1\r\nHost: h\r\n\r\n", i)
			if again := w.answer(); again.status != 429 {
				t.Errorf("%q: the second request of the connection: %d, %v; want 429", step.head, again.status, again.err)
			}
		}
	}
}

// Whoever has to say for whom it connects and does not is closed, also when it says nothing at all, and costs nobody else anything.
func TestProxyProtocolIsRequired(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testProxyProtocolIsRequired)
}

func testProxyProtocolIsRequired(t *testing.T) {
	t.Parallel()
	r := start(t, conf(introduced, backend(t, echo), everything))
	for i, said := range []string{"GET /bare HTTP/1.1\r\nHost: h\r\n\r\n", "PROXY TCP4 nonsense\r\n\r\n\r\n\r\n", "PROXY TCP4 192.0.2.7 127.0.0.1", "P"} {
		w := dial(t, r.url)
		w.say("%s", said)
		if rest, _ := io.ReadAll(w.Conn); len(rest) > 0 {
			t.Errorf("%q is answered with %q", said, rest)
		}
		eventually(t, "it to be counted", func() bool {
			return metric(t, r.adminURL, "triage_connections_closed_total", "listener", "127.0.0.1:0", "cause", "no_proxy_header") == float64(i+1)
		})
	}
	w := dial(t, r.url)
	w.say("PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\nPROXY TCP4 192.0.2.8 127.0.0.1 4711 80\r\nGET /twice HTTP/1.1\r\nHost: h\r\n\r\n")
	if a := w.answer(); a.status != http.StatusBadRequest {
		t.Errorf("a second header, from the client: %d, %v; want 400", a.status, a.err)
	}
	w = dial(t, r.url)
	w.say("PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\nGET /good HTTP/1.1\r\nHost: h\r\n\r\n")
	if a := w.answer(); a.status != http.StatusOK {
		t.Errorf("after all that: %d, %v; want 200", a.status, a.err)
	}
	for _, line := range r.access.lines() {
		if line["path"] != "/good" {
			t.Errorf("a request came in: %v", line)
		}
	}
}

// From anybody else a PROXY header is no HTTP, in whichever version.
func TestProxyHeaderFromOutside(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testProxyHeaderFromOutside)
}

func testProxyHeaderFromOutside(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"listen: 127.0.0.1:0", "listen: {address: '127.0.0.1:0', proxy_protocol: [192.0.2.0/24], trusted_proxies: [127.0.0.1]}"} {
		r := start(t, conf(listen, backend(t, echo), everything))
		for _, head := range []string{"PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x12\x67\x00\x50"} {
			w := dial(t, r.url)
			w.say("%sGET /forged HTTP/1.1\r\nHost: h\r\n\r\n", head)
			if a := w.answer(); a.status != http.StatusBadRequest || !a.close {
				t.Errorf("%s: %q is answered with %d, %v; want 400 and the end", listen, head, a.status, a.err)
			}
		}
		for _, line := range r.access.lines() {
			t.Errorf("%s: a request came in: %v", listen, line)
		}
	}
}

// The header stands before TLS, and connections are counted by whom it names.
func TestProxyProtocolBeforeTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	cert, key := a.issue("shop.example", time.Hour)
	r := start(t, conf(fmt.Sprintf("listen: {address: '127.0.0.1:0', proxy_protocol: [127.0.0.0/8], limits: {connections_per_client: 1}, tls: {cert_file: %s, key_file: %s}}", cert, key), backend(t, echo), everything))
	client := func(of string) *http.Client {
		transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(c, "PROXY TCP4 %s 127.0.0.1 4711 443\r\n", of)
			secure := tls.Client(c, &tls.Config{RootCAs: a.pool(), ServerName: "shop.example", NextProtos: []string{"h2"}})
			return secure, secure.HandshakeContext(ctx)
		}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport, Timeout: patience}
	}
	url := strings.Replace(r.url, "http://", "https://", 1)
	for _, of := range []string{"192.0.2.7", "192.0.2.8"} {
		if got := send(t, client(of), "GET", url+"/"+of, ""); got.status != 200 || logged(t, r.access, "/"+of)["client"] != of {
			t.Errorf("%s: %d, %v, the log says %v", of, got.status, got.err, logged(t, r.access, "/"+of))
		}
	}
	if got := send(t, client("192.0.2.7"), "GET", url+"/more", ""); got.err == nil {
		t.Errorf("a second connection of one client, who may have one: %d", got.status)
	}
}
