package edge_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"triage/proxy/edge"
)

// pemFiles writes a self-signed certificate for the name.
func pemFiles(t testing.TB, dir, name string) *edge.TLSSettings {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := &edge.TLSSettings{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	write(t, files.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, files.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	return files
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// handshake gives the name on the certificate, and the protocol.
func handshake(t testing.TB, l *edge.Listener, config *tls.Config) (name, proto string, err error) {
	t.Helper()
	config.InsecureSkipVerify = true
	c := dial(t, l)
	secure := tls.Client(c.Conn, config)
	defer secure.Close()
	if err := secure.Handshake(); err != nil {
		return "", "", err
	}
	state := secure.ConnectionState()
	return state.PeerCertificates[0].Subject.CommonName, state.NegotiatedProtocol, nil
}

// over2 is an HTTP/2 client for the listener.
func over2(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func TestTLS(t *testing.T) {
	l, _ := serve(t, edge.Settings{TLS: pemFiles(t, t.TempDir(), "a.example")}, func(w http.ResponseWriter, r *http.Request) {
		c := edge.ClientOf(r)
		io.WriteString(w, r.Proto+" "+c.Scheme+" "+c.Peer.String())
	})
	tests := []struct {
		name      string
		config    *tls.Config
		wantProto string
		wantError bool
	}{
		{"h2", &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, "h2", false},
		{"http/1.1", &tls.Config{NextProtos: []string{"http/1.1"}}, "http/1.1", false},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, "", false},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, proto, err := handshake(t, l, tt.config)
			if (err != nil) != tt.wantError || proto != tt.wantProto {
				t.Errorf("handshake: protocol %q, error %v; want %q, error %v", proto, err, tt.wantProto, tt.wantError)
			}
		})
	}
	resp, err := over2(t).Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "HTTP/2.0 https 127.0.0.1" {
		t.Errorf("the handler sees %q, want HTTP/2.0 https 127.0.0.1", body)
	}
}

func TestUpdateTakesTheNewCertificate(t *testing.T) {
	dir := t.TempDir()
	files := pemFiles(t, dir, "old.example")
	l, _ := serve(t, edge.Settings{TLS: files}, hello)
	if name, _, err := handshake(t, l, &tls.Config{}); name != "old.example" {
		t.Fatalf("certificate of %q (%v), want old.example", name, err)
	}
	pemFiles(t, dir, "new.example")
	if err := l.Update(edge.Settings{Address: "127.0.0.1:0", TLS: files}); err != nil {
		t.Fatal(err)
	}
	if name, _, err := handshake(t, l, &tls.Config{}); name != "new.example" {
		t.Errorf("certificate of %q (%v), want new.example", name, err)
	}
	write(t, files.CertFile, []byte("garbage"))
	if err := l.Update(edge.Settings{Address: "127.0.0.1:0", TLS: files}); err == nil {
		t.Error("Update accepted a certificate that cannot be read")
	}
	if name, _, err := handshake(t, l, &tls.Config{}); name != "new.example" {
		t.Errorf("certificate of %q (%v) after a refused update, want new.example", name, err)
	}
}

// A client whose authority is trusted no more does not come in by a session from before, and a session is resumed while nothing changes.
func TestSessionsEndWithTheirAuthority(t *testing.T) {
	dir, client := t.TempDir(), t.TempDir()
	files, shown := pemFiles(t, dir, "a.example"), pemFiles(t, client, "client.example")
	with := func(authority string) edge.Settings {
		return edge.Settings{Address: "127.0.0.1:0", TLS: &edge.TLSSettings{CertFile: files.CertFile, KeyFile: files.KeyFile, ClientCAFile: authority}}
	}
	l, _ := serve(t, with(shown.CertFile), func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, edge.ClientOf(r).Certificate)
	})
	pair, err := tls.LoadX509KeyPair(shown.CertFile, shown.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	cache := tls.NewLRUClientSessionCache(1)
	ask := func() (string, bool, error) {
		secure := tls.Client(dial(t, l).Conn, &tls.Config{
			InsecureSkipVerify: true, ServerName: "a.example", Certificates: []tls.Certificate{pair}, ClientSessionCache: cache, MaxVersion: tls.VersionTLS12,
		})
		defer secure.Close()
		if err := secure.Handshake(); err != nil {
			return "", false, err
		}
		io.WriteString(secure, "GET / HTTP/1.0\r\n\r\n")
		got, err := io.ReadAll(secure)
		return string(got), secure.ConnectionState().DidResume, err
	}
	for i, resumed := range []bool{false, true} {
		if got, did, err := ask(); err != nil || did != resumed || !strings.HasSuffix(got, "dns client.example") {
			t.Fatalf("handshake %d: %q, resumed %v, %v; want the client's name, resumed %v", i, got, did, err, resumed)
		}
	}
	if err := l.Update(with(pemFiles(t, t.TempDir(), "other.example").CertFile)); err != nil {
		t.Fatal(err)
	}
	if got, did, err := ask(); err == nil {
		t.Errorf("with another authority: %q, resumed %v; want no connection", got, did)
	}
}

func TestTicketKeysAreRotated(t *testing.T) {
	if got := edge.TicketKeys(24*time.Hour, 100); got != 4 {
		t.Errorf("after a hundred days %d ticket keys are in use, want 4", got)
	}
	if got := edge.TicketKeys(time.Minute, 60); got != 1 {
		t.Errorf("after an hour %d ticket keys are in use, want 1", got)
	}
}

// Under TLS a request of HTTP/1.1 is looked at like any other.
func TestFramedTwiceUnderTLS(t *testing.T) {
	l, _ := serve(t, edge.Settings{TLS: pemFiles(t, t.TempDir(), "a.example")}, echo)
	for _, tt := range []struct {
		framing string
		status  int
		closed  bool
	}{
		{"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, false},
		{"Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n", 200, true},
		{"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400, true},
	} {
		secure, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		defer secure.Close()
		_ = secure.SetDeadline(time.Now().Add(patience))
		c := &client{secure, t, bufio.NewReader(secure)}
		c.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
		c.response("GET")
		c.send("POST / HTTP/1.1\r\nHost: a.example\r\n" + tt.framing)
		if resp, body := c.response("POST"); resp.StatusCode != tt.status || resp.Close != tt.closed {
			t.Errorf("%q: %s %q, closed %v; want %d, %v", tt.framing, resp.Status, body, resp.Close, tt.status, tt.closed)
		}
	}
}

// Who speaks HTTP to a port of TLS is told.
func TestPlainHTTPToTLS(t *testing.T) {
	l, _ := serve(t, edge.Settings{TLS: pemFiles(t, t.TempDir(), "a.example")}, unreached(t))
	c := dial(t, l)
	c.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	if resp, body := c.response("GET"); resp.StatusCode != 400 || !strings.Contains(body, "HTTPS") {
		t.Errorf("%s %q, want 400 and what is wrong", resp.Status, body)
	}
}

// A handshake that does not come to an end holds no shutdown up.
func TestCloseDuringHandshake(t *testing.T) {
	l, _ := serve(t, edge.Settings{ReadHeader: time.Hour, TLS: pemFiles(t, t.TempDir(), "a.example")}, unreached(t))
	c := dial(t, l)
	eventually(t, "the connection to be there", func() bool { return l.Heading() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.Leave(ctx, 0); err != nil {
		t.Error(err)
	}
	c.wantClosed()
}
