//go:build e2e

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests need programs that Go does not bring. `make e2e` installs them; a test whose program is not there fails and says so.

// program finds a program, in /usr/sbin as well.
func program(t *testing.T, name, packages string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not installed: run 'make e2e', or 'apt-get install %s'", name, packages)
	return ""
}

// output runs a program and gives what it printed; it fails the test if the program does.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// serveE2E runs a server in this process until the test ends and gives its two addresses.
func serveE2E(t *testing.T, text string) (proxy, admin string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "triage.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(options{path: path, stdout: io.Discard, logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("running: %v", err)
		}
	})
	return "http://" + s.addresses()[0], "http://" + s.adminAt.Addr().String()
}

func getE2E(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// TestE2EPromtool has Prometheus's own tool read what the server exposes after real traffic, and the alert rules that we ship.
func TestE2EPromtool(t *testing.T) {
	promtool := program(t, "promtool", "prometheus")
	backend := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(w, "hello")
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go backend.Serve(l)
	defer backend.Close()
	proxy, admin := serveE2E(t, fmt.Sprintf(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
access_log: {to: "off"}
upstreams: {app: {endpoints: ["http://%s"]}}
routes:
  - {name: limited, match: {path: /limited}, upstream: app, priority: sheddable, rate_limit: {rate: 1/s, burst: 1, per: client_ip}}
  - {name: all, match: {path: /*}, upstream: app, priority: critical}
`, l.Addr()))
	for _, path := range []string{"/", "/limited", "/limited", "/broken"} {
		getE2E(t, proxy+path)
	}
	metrics := ""
	for _, want := range []string{`triage_decisions_total{priority="sheddable",reason="quota",route="limited"} 1`, `triage_requests_total{code="5xx",priority="critical",result="failed",route="all"} 1`} {
		eventually(t, "a line of /metrics "+want, func() bool {
			_, metrics = getE2E(t, admin+"/metrics")
			return strings.Contains(metrics, want)
		})
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(metrics)
	output(t, check)

	rules, err := filepath.Glob(filepath.Join("..", "..", "deploy", "prometheus", "[aos]*.yaml"))
	if err != nil || len(rules) == 0 {
		t.Fatalf("no alert rules in deploy/prometheus: %v", err)
	}
	for _, path := range rules {
		verb := "check"
		if strings.Contains(path, "test") {
			verb = "test"
		}
		output(t, exec.Command(promtool, verb, "rules", path))
	}

	// The dashboard's queries are PromQL: as rules, with Grafana's variables filled in.
	var b strings.Builder
	b.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	filled := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*", "$critical", "critical")
	for n, query := range docQueries(t) {
		fmt.Fprintf(&b, "      - {record: 'q%d', expr: '%s'}\n", n, filled.Replace(query))
	}
	path := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, exec.Command(promtool, "check", "rules", path))
}

// TestE2ENginxBackend stands in front of a real nginx: files of several sizes, ranges, HEAD, a redirect, and an nginx that goes away
// and comes back.
func TestE2ENginxBackend(t *testing.T) {
	nginx := program(t, "nginx", "nginx-light")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MiB
	for name, content := range map[string][]byte{"small.txt": []byte("small"), "big.bin": big} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log stderr; user root; events {}
http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
server { listen %[2]s; root %[1]s; location = /moved { return 301 /small.txt; } } }`, dir, address)
	if os.Getuid() != 0 {
		text = strings.Replace(text, "user root;", "", 1)
	}
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command(nginx, "-p", dir, "-c", conf)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool {
			c, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
		return cmd
	}
	server := start()
	defer func() { server.Process.Signal(syscall.SIGTERM); server.Wait() }()
	proxy, _ := serveE2E(t, fmt.Sprintf(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
access_log: {to: "off"}
upstreams: {web: {endpoints: ["http://%s"]}}
routes: [{name: all, upstream: web}]
`, address))

	if _, body := getE2E(t, proxy+"/small.txt"); body != "small" {
		t.Errorf("small.txt: %q", body)
	}
	if _, body := getE2E(t, proxy+"/big.bin"); body != string(big) {
		t.Errorf("big.bin: %d bytes, or others; want %d", len(body), len(big))
	}
	r, _ := http.NewRequest(http.MethodGet, proxy+"/big.bin", nil)
	r.Header.Set("Range", "bytes=16-31")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	part, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusPartialContent || string(part) != "0123456789abcdef" {
		t.Errorf("range: %d %q", response.StatusCode, part)
	}
	head, err := http.Head(proxy + "/big.bin")
	if err != nil || head.ContentLength != int64(len(big)) {
		t.Errorf("HEAD: length %d, %v; want %d", head.ContentLength, err, len(big))
	}
	still := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if moved, err := still.Get(proxy + "/moved"); err != nil || moved.StatusCode != http.StatusMovedPermanently {
		t.Errorf("redirect: %v, %v", moved, err)
	}

	server.Process.Signal(syscall.SIGTERM)
	server.Wait()
	response, body := getE2E(t, proxy+"/small.txt")
	if response.StatusCode != http.StatusBadGateway || !strings.Contains(response.Header.Get("Proxy-Status"), `details="connect_refused"`) {
		t.Errorf("nginx is away: %d, Proxy-Status %q, %s", response.StatusCode, response.Header.Get("Proxy-Status"), body)
	}
	server = start()
	waitFor(t, func() bool { _, body := getE2E(t, proxy+"/small.txt"); return body == "small" })
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("waited ten seconds in vain")
}

// TestE2EImage runs the binary as the image does: statically linked, alone in its root file system, without a shell, without rights,
// unable to write.
func TestE2EImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("changing the root folder needs root: run 'make e2e' as root, as CI does")
	}
	root := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(root, "triage"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output(t, build)
	admin := freeAddress(t)
	conf := `
listen: 127.0.0.1:0
access_log: {to: "off"}
upstreams: {app: {endpoints: ["http://127.0.0.1:9"]}}
routes: [{name: all, upstream: app}]
`
	if err := os.WriteFile(filepath.Join(root, "triage.yaml"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(path, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.Command("/triage", args...)
		cmd.Env = []string{"TRIAGE_CONFIG=/triage.yaml"}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		return cmd
	}
	running := inside("run", "--admin", admin)
	var log bytes.Buffer
	running.Stderr = &log
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	health := func() error { return inside("status", "--admin", admin, "--output", "json").Run() }
	waitFor(t, func() bool { return health() == nil })
	running.Process.Signal(syscall.SIGTERM)
	if err := running.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, log.String())
	}
	if health() == nil {
		t.Error("the health check succeeds although nothing runs")
	}
}
