package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deskPath is short enough for a unix socket, whatever the test is called.
func deskPath(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "desk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return filepath.Join(folder, "s")
}

// stay sends one request after the other and comes back when it is asked to go, until leaving is set.
func (c *customers) stay(path string) {
	c.all.Go(func() {
		transport := &http.Transport{MaxIdleConnsPerHost: 1}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Timeout: patience}
		for !c.leaving.Load() {
			response, err := client.Post(c.url+path, "text/plain", strings.NewReader("x"))
			if err != nil {
				c.fail(err)
				return
			}
			c.whole(response)
		}
	})
}

// A new process takes the listeners over, twice, under load on new and on kept connections: nothing is lost, and the old ones end.
func TestHandOverUnderLoad(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testHandOverUnderLoad)
}

func testHandOverUnderLoad(t *testing.T) {
	t.Parallel()
	// In mode observe no customer is refused because a machine that stands still makes the backend look slow.
	text := conf("mode: observe\nhandover: "+deskPath(t)+"\ndrain: {delay: 1h, timeout: 10s}\naccess_log: {to: 'off'}", backend(t, goods), "  - {name: all, upstream: app, priority: critical}\n")
	text = strings.Replace(text, "timeout: 5s", "timeout: 1m", 1) // the machine may be busy
	old := spawn(t, text)
	load := &customers{t: t, url: old.url}
	defer load.all.Wait()
	defer load.leaving.Store(true)
	for range 2 {
		load.stay("/quick")
		load.fresh("/quick")
		load.fresh("/quick")
	}
	eventually(t, "some load", func() bool { return load.answered.Load() > 20 })
	for range 2 {
		next := spawnAt(t, old.path)
		if next.url != old.url || next.adminURL != old.adminURL {
			t.Fatalf("the new process is at %s and %s, the old one at %s and %s; want the same", next.url, next.adminURL, old.url, old.adminURL)
		}
		if code := old.code(); code != 0 || !strings.Contains(old.stderr.String(), `"msg":"drained","in_time":true`) {
			t.Errorf("the old process: exit %d; want 0, and that it drained in time", code)
		}
		before := load.answered.Load()
		eventually(t, "load on the new process", func() bool { return load.answered.Load() > before+10 })
		if a := call(t, "GET", next.adminURL+"/readyz"); a.status != http.StatusOK {
			t.Errorf("the new process: readiness %d %q, want 200", a.status, a.body)
		}
		old = next
	}
	load.leaving.Store(true)
	load.all.Wait()
	t.Logf("%d answered, %d failed", load.answered.Load(), load.failed.Load())
}

// An upgraded connection stays with the old process for as long as it lasts; one that outlasts drain.timeout is cut.
func TestHandOverOfWebsockets(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testHandOverOfWebsockets)
}

func testHandOverOfWebsockets(t *testing.T) {
	t.Parallel()
	app := backend(t, websocket)
	for name, timeout := range map[string]string{"waited for": "1h", "cut at the timeout": "400ms"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := spawn(t, conf("handover: "+deskPath(t)+"\ndrain: {timeout: "+timeout+"}", app, everything))
			w := upgrade(t, old.url)
			next := spawnAt(t, old.path)
			eventually(t, "the old process to drain", func() bool { return strings.Contains(old.stderr.String(), "another process serves") })
			if timeout == "1h" {
				w.ping()
				upgrade(t, next.url).Close()
				w.ping()
				w.Close()
			} else if !w.closed() {
				t.Error("the connection outlasts drain.timeout")
			}
			if code := old.code(); code != 0 {
				t.Errorf("exit %d, want 0", code)
			}
		})
	}
}

// A new process that takes the sockets and cannot serve changes nothing.
func TestHandOverThatFails(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	app, first, desk := backend(t, echo), freeAddress(t), deskPath(t)
	c := spawn(t, conf("handover: "+desk+"\nlisten: "+first, app, everything))
	b := launch(t, nil, "run", "-c", configFile(t, conf(fmt.Sprintf("handover: %s\nlisten: [%q, %q]", desk, first, taken.Addr()), app, everything)))
	if code := b.code(); code != 1 || !strings.Contains(b.stderr.String(), "address already in use") {
		t.Fatalf("the new process: exit %d, %q; want 1, and why", code, b.stderr)
	}
	eventually(t, "word of it", func() bool { return strings.Contains(c.stderr.String(), "nothing has changed") })
	get(t, c.url+"/x")
	if a := call(t, "GET", c.adminURL+"/readyz"); a.status != http.StatusOK {
		t.Errorf("readiness %d %q, want 200", a.status, a.body)
	}
	// And the next one can.
	spawnAt(t, c.path)
	if code := c.code(); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
}

// SIGUSR2 starts the program again, which takes over.
func TestReplaceBySignal(t *testing.T) {
	t.Parallel()
	c := spawn(t, conf("handover: "+deskPath(t), backend(t, echo), everything))
	c.signal(syscall.SIGUSR2)
	next := 0
	eventually(t, "a new process to serve and the old one to have drained", func() bool {
		served, drained := 0, false
		for _, line := range c.stderr.lines() {
			switch line["msg"] {
			case "started a new process to take over":
				next = int(line["pid"].(float64))
			case "serving":
				served++
			case "drained":
				drained = true
			}
		}
		return served == 2 && drained
	})
	p, err := os.FindProcess(next)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	get(t, c.url+"/x")
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// The new process writes where the old one did, so that the end of both is the end of that.
	if code := c.code(); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
}

func TestReplaceWithoutHandover(t *testing.T) {
	t.Parallel()
	c := spawn(t, conf("", backend(t, echo), everything))
	c.signal(syscall.SIGUSR2)
	eventually(t, "word that nobody could take over", func() bool { return strings.Contains(c.stderr.String(), "want handover in the configuration") })
	get(t, c.url+"/x")
}

// activated starts triage as systemd does: with sockets as descriptors from 3 on, and its own process id in the environment.
func activated(t *testing.T, text string, env []string, sockets ...*net.TCPListener) *child {
	t.Helper()
	c := &child{t: t, path: configFile(t, text)}
	script := fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d exec "$0" "$@"`, len(sockets))
	c.start(append(env, "TRIAGE_LANE="+laneOf(t)), sockets, "/bin/sh", "-c", script, os.Args[0], "run", "-c", c.path)
	return c
}

// Sockets of systemd's are used where an address asks for them, and keep what comes while nobody is there.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testSocketActivation)
}

func testSocketActivation(t *testing.T) {
	t.Parallel()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: deskPath(t), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	heard := func() string {
		b := make([]byte, 100)
		_ = notify.SetReadDeadline(time.Now().Add(patience))
		n, err := notify.Read(b)
		if err != nil {
			t.Fatalf("waiting for word to systemd: %v", err)
		}
		return string(b[:n])
	}
	address := socket.Addr().String()
	text := conf("listen: "+address, backend(t, echo), everything)
	url := "http://" + address
	for round := range 2 {
		// Sent while nobody is there: it waits in the socket's queue.
		early := make(chan answer, 1)
		go func() { early <- call(t, "GET", url+"/early") }()
		c := activated(t, text, []string{"NOTIFY_SOCKET=" + notify.LocalAddr().String()}, socket.(*net.TCPListener))
		if word := heard(); word != "READY=1" {
			t.Fatalf("says %q to systemd, want READY=1; %s", word, c.stderr)
		}
		if a := <-early; a.status != http.StatusOK {
			t.Errorf("round %d: what came before it was there: %d, %v; want 200", round, a.status, a.err)
		}
		get(t, url+"/x")
		c.signal(syscall.SIGTERM)
		if word := heard(); word != "STOPPING=1" {
			t.Errorf("says %q to systemd, want STOPPING=1", word)
		}
		if code := c.code(); code != 0 {
			t.Errorf("exit %d, want 0", code)
		}
	}
}

// A socket that no address asks for would let its clients wait for ever.
func TestSocketActivationOfAnotherAddress(t *testing.T) {
	t.Parallel()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	c := activated(t, conf("", backend(t, echo), everything), nil, socket.(*net.TCPListener))
	want := fmt.Sprintf("systemd passes a socket at %s, and neither listen nor admin has that address", socket.Addr())
	if code := c.code(); code != 1 || !strings.Contains(c.stderr.String(), want) {
		t.Errorf("exit %d, %q; want 1 and %q", code, c.stderr, want)
	}
}
