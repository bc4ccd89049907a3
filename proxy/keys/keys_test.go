package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"triage/proxy/keys"
)

// pair writes a certificate with the name and its key to a folder of its own, and links the two files to it, as a
// mounted Kubernetes secret does.
func pair(t *testing.T, dir, name string) keys.Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := keys.Pair{CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key")}
	for file, block := range map[string]*pem.Block{files.CertFile: {Type: "CERTIFICATE", Bytes: der}, files.KeyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		data := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(data, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(file)
		if err := os.Symlink(data, file); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	files := pair(t, dir, "first")
	var out bytes.Buffer
	k, err := keys.Load(keys.Settings{
		Pairs: []keys.Pair{files}, Logger: slog.New(slog.NewTextHandler(&out, nil)),
		Make: func(certificates []tls.Certificate, _ *x509.CertPool) *tls.Config {
			return &tls.Config{Certificates: certificates}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	want := func(at time.Duration, name string) {
		t.Helper()
		if got := k.Config(now.Add(at)).Certificates[0].Leaf.Subject.CommonName; got != name {
			t.Errorf("after %v: certificate %q, want %q", at, got, name)
		}
	}
	want(0, "first")
	pair(t, dir, "second")
	want(900*time.Millisecond, "first")
	want(1000*time.Millisecond, "second")

	// The certificate has been replaced, its key not yet.
	key, err := os.Readlink(files.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	pair(t, dir, "third")
	third, err := os.Readlink(files.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	relink(t, key, files.KeyFile)
	want(2*time.Second, "second")
	want(3*time.Second, "second")
	if n := strings.Count(out.String(), "not reloaded"); n != 1 {
		t.Errorf("the log says %d times that the pair does not fit, want once:\n%s", n, out.String())
	}
	relink(t, third, files.KeyFile)
	want(4*time.Second, "third")

	if err := os.Remove(files.CertFile); err != nil {
		t.Fatal(err)
	}
	want(5*time.Second, "third")
}

func relink(t *testing.T, to, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, file); err != nil {
		t.Fatal(err)
	}
}

// A file of authorities that is replaced by another one counts, one that is no such file does not.
func TestAuthoritiesFollowTheirFile(t *testing.T) {
	dir := t.TempDir()
	first, second := pair(t, dir, "first"), pair(t, t.TempDir(), "second")
	file := filepath.Join(dir, "ca")
	copyOf := func(from string) {
		t.Helper()
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(file+".new", data, 0o600)
		}
		if err == nil {
			err = os.Rename(file+".new", file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	copyOf(first.CertFile)
	k, err := keys.Load(keys.Settings{CAFile: file, Make: func(_ []tls.Certificate, authorities *x509.CertPool) *tls.Config {
		return &tls.Config{RootCAs: authorities}
	}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	at := k.Config(now).RootCAs
	for i, step := range []struct {
		from    string
		changes bool
	}{{first.KeyFile, false}, {second.CertFile, true}} {
		copyOf(step.from)
		next := k.Config(now.Add(time.Duration(i+1) * time.Second)).RootCAs
		if changed := !next.Equal(at); changed != step.changes {
			t.Errorf("step %d: the authorities changed: %v, want %v", i, changed, step.changes)
		}
		at = next
	}
	if _, err := keys.Load(keys.Settings{CAFile: first.KeyFile}); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("a key for authorities: %v", err)
	}
}
