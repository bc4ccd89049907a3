//go:build e2e

package main

import (
	"crypto/tls"
	"encoding/xml"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// h2specOf runs all cases of h2spec against a server, and gives those that were not passed, and how many there are.
func h2specOf(t *testing.T, address string, args ...string) (failed map[string]string, all int) {
	t.Helper()
	program, err := exec.LookPath("h2spec")
	if err != nil {
		path, _ := exec.Command("go", "env", "GOPATH").Output()
		if program = filepath.Join(strings.TrimSpace(string(path)), "bin", "h2spec"); !exists(program) {
			t.Fatal("h2spec is missing: go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible")
		}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "report.xml")
	// It exits with 1 when a case fails; what matters is the report.
	said, _ := exec.Command(program, append(args, "-h", host, "-p", port, "-o", "5", "-j", report)...).CombinedOutput()
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("%v; h2spec said %s", err, said)
	}
	var suites struct {
		Suites []struct {
			Cases []struct {
				Package string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Failure string    `xml:"failure"`
				Error   string    `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	failed = map[string]string{}
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			all++
			if c.Failure+c.Error != "" {
				failed[c.Package+": "+c.Name] = strings.Join(strings.Fields(c.Failure+c.Error), " ")
			}
		}
	}
	return failed, all
}

// TestE2EH2Spec: whatever stock net/http passes of h2spec Triage passes, by TLS and without. The rest is named in docs/wire.md.
func TestE2EH2Spec(t *testing.T) {
	cert, key, _ := certificate(t)
	app := backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	for _, way := range []struct {
		name, listen string
		args         []string
	}{
		{"tls", "listen: {address: '127.0.0.1:0', tls: {cert_file: " + cert + ", key_file: " + key + "}}", []string{"-t", "-k"}},
		{"h2c", "listen: {address: '127.0.0.1:0', h2c: true}", nil},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			stock, all := h2specOf(t, stockHTTP2(t, way.name == "tls", cert, key), way.args...)
			r := start(t, conf(way.listen, app, everything))
			ours, _ := h2specOf(t, strings.TrimPrefix(r.url, "http://"), way.args...)
			t.Logf("of %d cases stock net/http fails %d (%q), Triage %d (%q)", all, len(stock), names(stock), len(ours), names(ours))
			if all < 140 {
				t.Errorf("%d cases, want at least 140: h2spec did not run", all)
			}
			for c, why := range ours {
				if stock[c] == "" {
					t.Errorf("%s: %s; stock net/http passes", c, why)
				}
			}
		})
	}
}

// stockHTTP2 is net/http's server as it comes.
func stockHTTP2(t *testing.T, secure bool, cert, key string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(secure)
	protocols.SetUnencryptedHTTP2(!secure)
	s := &http.Server{Protocols: &protocols, TLSConfig: &tls.Config{}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })}
	t.Cleanup(func() { s.Close() })
	go func() {
		if secure {
			_ = s.ServeTLS(l, cert, key)
			return
		}
		_ = s.Serve(l)
	}()
	return l.Addr().String()
}

func names(cases map[string]string) []string { return slices.Sorted(maps.Keys(cases)) }
