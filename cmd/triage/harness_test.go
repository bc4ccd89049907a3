package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// What makes this test binary be triage, for what only a process of its own can show: signals, exit codes, descriptors.
const (
	asTriage         = "TEST_AS_TRIAGE"
	descriptorsLimit = "TEST_DESCRIPTORS"
)

// patience bounds every wait; nothing takes that long when the code is right.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(asTriage) == "" {
		// For whoever is started from here.
		os.Setenv(asTriage, "1")
		os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0")) // by itself a binary with the race detector takes a second to end
		os.Exit(m.Run())
	}
	if n, err := strconv.ParseUint(os.Getenv(descriptorsLimit), 10, 64); err == nil {
		limit := syscall.Rlimit{Cur: n, Max: n}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	}
	os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// command runs one command line in this process.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, words bytes.Buffer
	// Without any, cobra would take this process' own.
	code = execute(append([]string{}, args...), strings.NewReader(""), &out, &words)
	return code, out.String(), words.String()
}

// buffer can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// lines gives the whole lines that are JSON objects.
func (b *buffer) lines() []map[string]any {
	var all []map[string]any
	for line := range strings.Lines(b.String()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil {
			all = append(all, fields)
		}
	}
	return all
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// write puts a file where it belongs at once, as a careful editor does.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// configFile writes a configuration into a folder of its own.
func configFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "triage.yaml")
	write(t, path, text)
	return path
}

// The ports that freeAddress gives: below those that a system takes for whoever wants any port, on either end of a connection.
const lowestPort, ports = 10_000, 20_000

// portsGiven counts on from a place of this process' own, for other tests do the same.
var portsGiven atomic.Uint32

// freeAddress is one that nobody listens on. It stays so until the test uses it: no socket gets its port by chance.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", lowestPort+(uint32(os.Getpid())*97+portsGiven.Add(1))%ports)
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatalf("a thousand ports from %d on are taken", lowestPort)
	return ""
}

// backend serves a handler until the test ends.
func backend(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// echo answers with the request as it arrived.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_ = json.NewEncoder(w).Encode(echoed{r.Method, r.URL.RequestURI(), r.Host, r.Header, string(body)})
}

type echoed struct {
	Method, URI, Host string
	Header            http.Header
	Body              string
}

// conf is a configuration with one upstream called app. Routes are given as YAML, top is what stands before.
func conf(top, upstream, routes string) string {
	if !strings.Contains(top, "listen:") {
		top = "listen: 127.0.0.1:0\n" + top
	}
	if !strings.Contains(top, "admin:") {
		top += "\nadmin: 127.0.0.1:0"
	}
	return fmt.Sprintf("%s\nupstreams:\n  app: {endpoints: [%q], timeout: 5s, connect_timeout: 2s}\nroutes:\n%s", top, upstream, routes)
}

// everything is a route that covers all.
const everything = "  - {name: all, upstream: app}\n"

// onBothLanes runs a test once on each lane: whatever it starts is told by the name of the test.
func onBothLanes(t *testing.T, test func(*testing.T)) {
	t.Helper()
	for _, lane := range []string{"standard", "fast"} {
		t.Run("lane="+lane, test)
	}
}

// laneOf is the lane that a test runs on.
func laneOf(t testing.TB) string {
	if _, after, ok := strings.Cut(t.Name(), "/lane="); ok {
		lane, _, _ := strings.Cut(after, "/")
		return lane
	}
	return os.Getenv("TEST_LANE")
}

// onFast reports whether the test runs on the fast lane.
func onFast(t *testing.T) bool { return laneOf(t) == "fast" }

// running is a whole Triage in this process.
type running struct {
	*server
	url, adminURL string
	log, access   *buffer
	// stop ends it as SIGTERM does, once, and gives what Run said.
	stop func() error
}

// start runs a configuration until the test ends.
func start(t *testing.T, text string) *running {
	t.Helper()
	r := startWith(t, options{path: configFile(t, text)})
	eventually(t, "readiness", func() bool { return call(t, "GET", r.adminURL+"/readyz").status == http.StatusOK })
	return r
}

// startWith runs Triage until the test ends, its words and its access log in buffers.
func startWith(t testing.TB, o options) *running {
	t.Helper()
	r := &running{log: &buffer{}, access: &buffer{}}
	if o.lane == "" {
		o.lane = laneOf(t)
	}
	o.stdout, o.logger = r.access, slog.New(slog.NewJSONHandler(r.log, nil))
	s, err := newServer(o)
	if err != nil {
		t.Fatalf("newServer: %v", err)
	}
	r.server = s
	r.url, r.adminURL = "http://"+s.addresses()[0], "http://"+s.adminAt.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		for _, line := range r.log.lines() {
			if strings.Contains(fmt.Sprint(line["msg"]), "panic") {
				t.Errorf("the log speaks of a panic: %v", line)
			}
		}
	})
	return r
}
