package main

import (
	"crypto/ecdsa"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// showing is a client that shows a certificate, none if there is none.
func showing(t *testing.T, a *authority, certificates ...tls.Certificate) *http.Client {
	t.Helper()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: a.pool(), Certificates: certificates}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// mutual starts Triage with client certificates and a quota of one for each.
func mutual(t *testing.T, a *authority, optional string) *running {
	t.Helper()
	cert, key := a.issue("shop.example", time.Hour)
	r := start(t, conf(fmt.Sprintf("listen: {address: '127.0.0.1:0', tls: {cert_file: %s, key_file: %s, client_ca_file: %s%s}}", cert, key, a.file, optional),
		backend(t, echo), "  - {name: all, upstream: app, rate_limit: {rate: 1/h, burst: 1, per: client_cert}}\n"))
	r.url = strings.Replace(r.url, "http://", "https://", 1)
	return r
}

// Who has no certificate that holds does not get in; who has one is counted by its name, and by nothing that can be written into a field.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	r := mutual(t, a, "")
	for what, certificates := range map[string][]tls.Certificate{
		"none":                           nil,
		"one that has expired":           {a.pair("spiffe://shop/late", -time.Minute)},
		"one that somebody else signed":  {newAuthority(t).pair("spiffe://shop/cart", time.Hour)},
		"one that is signed by a client": {signedBy(t, a)},
	} {
		if got := send(t, showing(t, a, certificates...), "GET", r.url+"/outside", "", "X-Client-Cert: spiffe://shop/cart", "X-Forwarded-Client-Cert: URI=spiffe://shop/cart"); got.err == nil {
			t.Errorf("%s: %d; want no answer", what, got.status)
		}
	}
	for _, step := range []struct {
		name string
		want int
	}{
		{"spiffe://shop/cart", http.StatusOK}, {"spiffe://shop/cart", http.StatusTooManyRequests}, // renewed
		{"spiffe://shop/search", http.StatusOK}, {"batch.shop.example", http.StatusOK}, {"batch.shop.example", http.StatusTooManyRequests},
	} {
		if got := send(t, showing(t, a, a.pair(step.name, time.Hour)), "GET", r.url+"/inside", "", "X-Client-Cert: "+fmt.Sprint(time.Now())); got.status != step.want {
			t.Errorf("%s: %d, %v; want %d", step.name, got.status, got.err, step.want)
		}
	}
	for _, line := range r.access.lines() {
		if line["path"] == "/outside" {
			t.Errorf("a request without a certificate came in: %v", line)
		}
	}
}

// signedBy is a certificate that a client has signed with its own, which is no authority's.
func signedBy(t *testing.T, a *authority) tls.Certificate {
	t.Helper()
	client := a.pair("spiffe://shop/evil", time.Hour)
	forger := *a
	forger.cert, forger.key = client.Leaf, clientKey(t, client)
	pair := forger.pair("spiffe://shop/cart", time.Hour)
	pair.Certificate = append(pair.Certificate, client.Certificate...)
	return pair
}

// Where certificates are optional who has none is counted by its address, and a bad one is refused all the same.
func TestOptionalClientCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	r := mutual(t, a, ", client_certificate: optional")
	for _, step := range []struct {
		certificates []tls.Certificate
		want         int
	}{{nil, 200}, {nil, 429}, {[]tls.Certificate{a.pair("spiffe://shop/cart", time.Hour)}, 200}, {nil, 429}} {
		if got := send(t, showing(t, a, step.certificates...), "GET", r.url+"/x", ""); got.status != step.want {
			t.Errorf("%d certificates: %d, %v; want %d", len(step.certificates), got.status, got.err, step.want)
		}
	}
	if got := send(t, showing(t, a, a.pair("spiffe://shop/late", -time.Minute)), "GET", r.url+"/x", ""); got.err == nil {
		t.Errorf("an expired one: %d; want no answer", got.status)
	}
}

// The certificate is that of the name which the client asks for, and no older version is spoken than is configured.
func TestCertificatesByName(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	cert, key := a.issue("shop.example", time.Hour)
	cert2, key2 := a.issue("*.shop.example", time.Hour)
	r := start(t, conf(fmt.Sprintf("listen: {address: '127.0.0.1:0', tls: {cert_file: %s, key_file: %s, min_version: tls1.3, certificates: {cert_file: %s, key_file: %s}}}", cert, key, cert2, key2),
		backend(t, echo), everything))
	address := strings.TrimPrefix(r.url, "http://")
	for asked, want := range map[string]string{"shop.example": "shop.example", "api.shop.example": "*.shop.example", "else.example": "shop.example", "": "shop.example"} {
		c, err := tls.Dial("tcp", address, &tls.Config{ServerName: asked, InsecureSkipVerify: true})
		if err != nil {
			t.Fatalf("asking for %q: %v", asked, err)
		}
		if got := c.ConnectionState().PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("asking for %q gives the certificate of %q, want %q", asked, got, want)
		}
		c.Close()
	}
	if c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		c.Close()
		t.Error("TLS 1.2 is spoken, with min_version tls1.3")
	}
}

// An endpoint of a private authority is verified by it and by the name that is configured, and gets Triage's certificate to see.
func TestMutualTLSToTheEndpoint(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	shown := make(chan string, 100)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown <- r.TLS.PeerCertificates[0].Subject.CommonName + " asks " + r.TLS.ServerName
		echo(w, r)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{a.pair("app.internal", time.Hour)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool()}
	s.Config.ErrorLog = silent
	s.StartTLS()
	t.Cleanup(s.Close)
	cert, key := a.issue("triage.internal", time.Hour)
	late, lateKey := a.issue("triage.internal", -time.Minute)
	for _, test := range []struct {
		what, tls string
		want      int
	}{
		{"as it should be", fmt.Sprintf("{ca_file: %s, server_name: app.internal, cert_file: %s, key_file: %s}", a.file, cert, key), 200},
		{"another name", fmt.Sprintf("{ca_file: %s, server_name: other.internal, cert_file: %s, key_file: %s}", a.file, cert, key), 502},
		{"another authority", fmt.Sprintf("{ca_file: %s, server_name: app.internal, cert_file: %s, key_file: %s}", newAuthority(t).file, cert, key), 502},
		{"the system's authorities", fmt.Sprintf("{server_name: app.internal, cert_file: %s, key_file: %s}", cert, key), 502},
		{"no certificate of ours", fmt.Sprintf("{ca_file: %s, server_name: app.internal}", a.file), 502},
		{"one that has expired", fmt.Sprintf("{ca_file: %s, server_name: app.internal, cert_file: %s, key_file: %s}", a.file, late, lateKey), 502},
	} {
		r := start(t, strings.Replace(conf("", s.URL, everything), "timeout: 5s, connect_timeout: 2s", "timeout: 20s, connect_timeout: 20s, tls: "+test.tls, 1))
		if got := call(t, "GET", r.url+"/x"); got.status != test.want {
			t.Errorf("%s: %d %q, %v; want %d", test.what, got.status, got.body, got.err, test.want)
		}
		if test.want == 200 {
			if got := <-shown; got != "triage.internal asks app.internal" {
				t.Errorf("%s: %q", test.what, got)
			}
		}
	}
	if len(shown) > 0 {
		t.Errorf("the endpoint served %d more requests", len(shown))
	}
}

// Files that cannot be used are found by check, each with its place.
func TestCheckOfCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	cert, key := a.issue("shop.example", time.Hour)
	_, other := a.issue("shop.example", time.Hour)
	text := fmt.Sprintf(`listen: {address: '%s', tls: {cert_file: %s, key_file: %s, certificates: [{cert_file: %s, key_file: %s}], client_ca_file: %s}}
upstreams:
  app:
    endpoints: ["https://127.0.0.1:9"]
    tls: {ca_file: %s, cert_file: %s, key_file: %s}
routes:
%s`, "127.0.0.1:0", cert, key, cert, other, key, key, cert, other, everything)
	code, stdout, _ := command(t, "check", "-c", configFile(t, text))
	for _, want := range []string{"listen[0].tls.certificates[0]: ", "listen[0].tls.client_ca_file: ", "upstreams.app.tls.ca_file: ", "upstreams.app.tls: ", "holds no certificate", "private key does not match"} {
		if code != 1 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d and\n%s\nwant %q", code, stdout, want)
		}
	}
}

func clientKey(t *testing.T, c tls.Certificate) *ecdsa.PrivateKey {
	t.Helper()
	key, ok := c.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", c.PrivateKey)
	}
	return key
}

// silent is for servers whose errors are what a test wants.
var silent = log.New(io.Discard, "", 0)
