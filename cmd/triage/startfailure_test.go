package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever keeps triage from starting is told in one line a problem, ends it with 1, and leaves nothing bound.
func TestWhatKeepsItFromStarting(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	folder := t.TempDir()
	open := filepath.Join(folder, "open-tokens")
	if err := os.WriteFile(open, []byte("viewer eve 0123456789abcdef\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const rest = "upstreams: {app: {endpoints: ['http://127.0.0.1:9'] }}\nroutes: [{name: all, upstream: app}]\n"
	tests := []struct {
		name, file string
		want       []string // one a line
	}{
		{"two mistakes", "listen: FREE\nadmin: 127.0.0.1:0\nlsten: 1\n" + strings.Replace(rest, "upstream: app", "upstream: ap", 1),
			[]string{":3:1: lsten: unknown key; did you mean listen?", `did you mean app?`}},
		{"port in use", "listen: [FREE, '" + busy + "']\nadmin: 127.0.0.1:0\n" + rest, []string{`listening on "` + busy + `"`}},
		{"admin port in use", "listen: FREE\nadmin: " + busy + "\n" + rest, []string{"binding the admin address: listen tcp " + busy}},
		{"admin open to others", "listen: FREE\nadmin: 0.0.0.0:0\n" + rest, []string{`"0.0.0.0:0" is open to others without a token`}},
		{"tokens that others may read", "listen: FREE\nadmin: {address: '0.0.0.0:0', tokens_file: " + open + "}\n" + rest, []string{open + " has mode 0644, others may use it"}},
		{"no certificate", "listen: {address: FREE, tls: {cert_file: cert.pem, key_file: triage.yaml}}\n" + rest, []string{`listen[0].tls.cert_file: cannot read "cert.pem": no such file`}},
		{"not a certificate", "listen: {address: FREE, tls: {cert_file: triage.yaml, key_file: triage.yaml}}\n" + rest, []string{"listen[0].tls: tls: failed to find any PEM data in certificate input; a certificate chain and its private key"}},
		{"a log that cannot be opened", "listen: FREE\nadmin: 127.0.0.1:0\naccess_log: {to: /nowhere/at/all.log}\n" + rest, []string{"opening the access log: open /nowhere/at/all.log: no such file or directory"}},
		{"a secret that is too short", "listen: FREE\nsession_key_file: short\n" + rest, []string{"the secret has 5 bytes; it needs at least 16"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			free := freeAddress(t)
			path := configFile(t, strings.ReplaceAll(test.file, "FREE", free))
			write(t, filepath.Join(filepath.Dir(path), "short"), "short")
			code, stdout, stderr := command(t, "run", "-c", path)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			if code != 1 || stdout != "" || len(lines) != len(test.want) || !strings.HasPrefix(stderr, "triage: ") {
				t.Fatalf("exit %d, stdout %q, stderr %q; want 1, nothing, and %d lines", code, stdout, stderr, len(test.want))
			}
			for i, want := range test.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("says %q, want %q", lines[i], want)
				}
			}
			l, err := net.Listen("tcp", free)
			if err != nil {
				t.Fatalf("after the failure: %v; want the address to be free", err)
			}
			l.Close()
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(folder, "missing.yaml"): "no such file or directory",
		folder:                                "is a directory",
	} {
		for _, args := range [][]string{{"run"}, {"check"}, {"explain", "GET", "/"}} {
			code, stdout, stderr := command(t, append(args, "-c", path)...)
			if code != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, path) || !strings.Contains(stderr, want) {
				t.Errorf("triage %v -c %s: exit %d, %q, %q; want 1 and one line with %q", args, path, code, stdout, stderr, want)
			}
		}
	}
}

// --listen and --admin go over the environment, that goes over the file.
func TestAddressesOverTheFile(t *testing.T) {
	file, environment, flag := freeAddress(t), freeAddress(t), freeAddress(t)
	text := conf("listen: "+file, backend(t, echo), everything)
	c := spawn(t, text, "TRIAGE_LISTEN="+environment)
	if c.url != "http://"+environment {
		t.Errorf("with TRIAGE_LISTEN=%s it listens on %s", environment, c.url)
	}
	get(t, c.url+"/x")
	if conn, err := net.Dial("tcp", file); err == nil {
		conn.Close()
		t.Errorf("it listens where the file says, too")
	}
	t.Setenv("TRIAGE_LISTEN", environment)
	path := configFile(t, text)
	code, _, stderr := command(t, "run", "-c", path, "--listen", environment, "--admin", flag)
	if code != 1 || !strings.Contains(stderr, environment) {
		t.Errorf("--listen on a busy address: exit %d, %q; want 1 and the flag's address", code, stderr)
	}
}
