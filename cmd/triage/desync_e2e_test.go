//go:build e2e

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// Timeouts are only for those who wait for what does not come: everything is sent at once.
const (
	nginxConf = `daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  client_header_timeout 2s; client_body_timeout 2s;
  upstream app { server %[3]s max_fails=0; keepalive 16; }
  server {
    listen %[2]s;
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_next_upstream off; proxy_read_timeout 2s; }
  }
}
`
	haproxyConf = `defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 2s
  timeout http-request 2s
  http-reuse always
frontend in
  bind %[2]s
  default_backend app
backend app
  server one %[3]s # %[1]s
`
)

// desyncPeers are the proxies that the table is run against, as Debian has them.
var desyncPeers = []struct {
	name, conf, pack string
	args             func(conf, folder string) []string
	version          []string
}{
	{"nginx", nginxConf, "nginx-light", func(c, folder string) []string {
		return []string{"-c", c, "-p", folder, "-e", filepath.Join(folder, "error.log")}
	}, []string{"-v"}},
	{"haproxy", haproxyConf, "haproxy", func(c, _ string) []string { return []string{"-db", "-f", c} }, []string{"-v"}},
}

// TestDesyncPeers holds what nginx and HAProxy make of the table against what is on record of them. It is run by hand and not by make e2e: some
// cases are races in the peers, which go either way.
func TestDesyncPeers(t *testing.T) {
	for _, peer := range desyncPeers {
		t.Run(peer.name, func(t *testing.T) {
			program, err := exec.LookPath(peer.name)
			if err != nil {
				if program = "/usr/sbin/" + peer.name; !exists(program) {
					t.Fatalf("%s is missing: apt-get install %s", peer.name, peer.pack)
				}
			}
			said, err := exec.Command(program, peer.version...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			rec := &recorder{}
			folder, at := t.TempDir(), freeAddress(t)
			conf := filepath.Join(folder, "conf")
			write(t, conf, fmt.Sprintf(peer.conf, folder, at, strings.TrimPrefix(rawBackend(t, rec.serve), "http://")))
			words := &buffer{}
			cmd := exec.Command(program, peer.args(conf, folder)...)
			cmd.Stdout, cmd.Stderr = words, words
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { _ = cmd.Wait(); close(ended) }()
			t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); <-ended })
			eventually(t, peer.name+" to listen", func() bool {
				select {
				case <-ended:
					t.Fatalf("%s ended: %s", peer.name, words)
				default:
				}
				c, err := net.Dial("tcp", at)
				if err == nil {
					c.Close()
				}
				return err == nil
			})
			var all strings.Builder
			fmt.Fprintf(&all, "%s %s\n", peer.name, regexp.MustCompile(`\d+\.\d+`).Find(said))
			_, recorded := desyncResults(t, peer.name)
			for _, c := range desyncs {
				got := rec.run(t, at, c).short(c)
				for range 3 { // who is kept from the processor for long enough runs into a timeout
					if got == recorded[c.title()] {
						break
					}
					got = rec.run(t, at, c).short(c)
				}
				fmt.Fprintf(&all, "== %s\n%s\n", c.title(), got)
			}
			golden(t, filepath.Join("testdata", "desync", peer.name+".txt"), all.String())
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
