package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"triage/proxy/reason"
)

// certificate writes a certificate for 127.0.0.1 and gives who trusts it.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	a := newAuthority(t)
	certFile, keyFile = a.issue("shop.example", time.Hour)
	return certFile, keyFile, a.pool()
}

// secure starts a server with TLS and gives an HTTP/2 client for it.
func secure(t *testing.T, upstream, routes string) (*running, *http.Client) {
	t.Helper()
	cert, key, roots := certificate(t)
	r := start(t, conf("listen: {address: '127.0.0.1:0', tls: {cert_file: "+cert+", key_file: "+key+"}}", upstream, routes))
	r.url = strings.Replace(r.url, "http://", "https://", 1)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return r, &http.Client{Transport: transport, Timeout: patience}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	r, client := secure(t, backend(t, echo), everything)
	a := send(t, client, "POST", r.url+"/x", "hello")
	if got := a.seen(t); got.Body != "hello" || got.Header.Get("X-Forwarded-Proto") != "https" || got.Header.Get("Via") != "2.0 triage" {
		t.Errorf("over HTTP/2 the backend saw %+v", got)
	}
	if line := logged(t, r.access, "/x"); line["proto"] != "HTTP/2.0" {
		t.Errorf("the log says %v, want HTTP/2.0", line["proto"])
	}
}

// A gRPC client is refused in its own words: 200, and the status in the only header block.
func TestRefusalOfGRPC(t *testing.T) {
	t.Parallel()
	r, client := secure(t, backend(t, echo), "  - {name: few, match: {path: /shop.Cart/*}, upstream: app, rate_limit: {rate: 1/m}}\n")
	const call = "Content-Type: application/grpc+proto"
	if a := send(t, client, "POST", r.url+"/shop.Cart/Add", "first", call); a.seen(t).Body != "first" {
		t.Fatalf("the first call: %d %q, %v", a.status, a.body, a.err)
	}
	tests := []struct {
		path, code string
		why        reason.Reason
		pushback   bool
	}{{"/shop.Cart/Add", "8", reason.Quota, true}, {"/other.Service/Do", "12", reason.NoRoute, false}}
	for _, test := range tests {
		a := send(t, client, "POST", r.url+test.path, "again", call)
		if a.err != nil || a.status != http.StatusOK || a.body != "" || a.header.Get("Grpc-Status") != test.code || a.header.Get("Content-Type") != "application/grpc" ||
			a.header.Get("Grpc-Message") != "triage: "+test.why.String() || !strings.Contains(a.header.Get("Proxy-Status"), `details="`+test.why.String()) {
			t.Errorf("%s: %d %q %v, %v; want trailers only with grpc-status %s", test.path, a.status, a.body, a.header, a.err, test.code)
		}
		ms, err := strconv.Atoi(a.header.Get("Grpc-Retry-Pushback-Ms"))
		if got := err == nil && ms >= 1000; got != test.pushback {
			t.Errorf("%s: grpc-retry-pushback-ms %q", test.path, a.header.Get("Grpc-Retry-Pushback-Ms"))
		}
	}
	if line := logged(t, r.access, "/other.Service/Do"); line["reason"] != "no_route" || line["status"] != 200.0 || line["result"] != "void" {
		t.Errorf("the log says %v; want no_route with 200", line)
	}
	// The same over HTTP/2 without gRPC is an ordinary refusal.
	if a := send(t, client, "POST", r.url+"/shop.Cart/Add", "x"); a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "quota") {
		t.Errorf("without gRPC: %d %q; want 429", a.status, a.body)
	}
}

// A certificate that is replaced by rubbish, or settings that one of the listeners cannot take, change no listener.
func TestReloadThatFailsHalfWay(t *testing.T) {
	t.Parallel()
	cert, key, _ := certificate(t)
	plain, secured := freeAddress(t), freeAddress(t)
	app := backend(t, echo)
	text := func(trusted, withTLS string) string {
		return conf("listen:\n  - {address: '"+plain+"'"+trusted+"}\n  - {address: '"+secured+"'"+withTLS+"}", app, everything)
	}
	withTLS, trusting := ", tls: {cert_file: "+cert+", key_file: "+key+"}", ", trusted_proxies: [127.0.0.1]"
	r := start(t, text("", withTLS))
	good, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct{ text, want string }{
		{text(trusting, ""), "TLS cannot be turned on or off"},
		{text(trusting, withTLS), "failed to find any PEM data"},
	} {
		if strings.Contains(try.want, "PEM") {
			write(t, cert, "no certificate")
		}
		write(t, r.options.path, try.text)
		if err := r.reload("test"); err == nil || !strings.Contains(err.Error(), try.want) {
			t.Fatalf("reload: %v; want %q", err, try.want)
		}
		if got := call(t, "GET", "http://"+plain+"/x", "X-Forwarded-For: 192.0.2.1").seen(t).Header.Get("X-Forwarded-For"); got != "127.0.0.1" {
			t.Errorf("after %q X-Forwarded-For is %q: the trusted proxies that failed to load are in force", try.want, got)
		}
		c, err := tls.Dial("tcp", secured, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatalf("handshake after %q: %v", try.want, err)
		}
		if got := c.ConnectionState().PeerCertificates[0]; !got.Equal(good.Leaf) {
			t.Errorf("after %q another certificate is served: %v", try.want, got.SerialNumber)
		}
		c.Close()
	}
}
