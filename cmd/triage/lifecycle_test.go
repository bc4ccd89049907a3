package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// customers ask until they see that the server is about to leave, as a load balancer does: a response that says Connection: close,
// or a probe that finds it not ready.
type customers struct {
	t        *testing.T
	url      string
	leaving  atomic.Bool
	answered atomic.Int64
	late     atomic.Int64 // answered when the probe had found it not ready
	failed   atomic.Int64
	all      sync.WaitGroup
}

// keep sends one request after the other on one connection until the server asks to close it.
func (c *customers) keep(path string) {
	c.all.Go(func() {
		transport := &http.Transport{MaxIdleConnsPerHost: 1}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Timeout: patience}
		for {
			response, err := client.Get(c.url + path)
			if err != nil {
				c.fail(err)
				return
			}
			if c.whole(response); response.Close {
				return
			}
		}
	})
}

// fresh sends each request on a new connection while the server is ready.
func (c *customers) fresh(path string) {
	c.all.Go(func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
		for !c.leaving.Load() {
			response, err := client.Get(c.url + path)
			if err != nil {
				c.fail(err)
				continue
			}
			c.whole(response)
		}
	})
}

func (c *customers) whole(response *http.Response) {
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if want := strings.Repeat("x", 50_000); err != nil || response.StatusCode != http.StatusOK || string(body) != want {
		c.fail(fmt.Errorf("status %d, %d bytes of %d: %.300q, %v", response.StatusCode, len(body), len(want), body, err))
		return
	}
	c.answered.Add(1)
	if c.leaving.Load() {
		c.late.Add(1)
	}
}

func (c *customers) fail(err error) {
	c.failed.Add(1)
	c.t.Errorf("a request failed: %v", err)
}

// goods answers 50,000 bytes, for /slow in pieces over more than a second.
func goods(w http.ResponseWriter, r *http.Request) {
	piece := []byte(strings.Repeat("x", 5_000))
	// Long against what a busy machine adds: to the control law this backend must look well.
	time.Sleep(100 * time.Millisecond)
	for range 10 {
		if r.URL.Path == "/slow" {
			time.Sleep(120 * time.Millisecond)
		}
		_, _ = w.Write(piece)
		_ = http.NewResponseController(w).Flush()
	}
}

// SIGTERM under load loses nothing: readiness fails at once, requests go on for drain.delay, connections are closed after an
// answer, what is under way ends.
func TestDrainUnderLoad(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testDrainUnderLoad)
}

func testDrainUnderLoad(t *testing.T) {
	t.Parallel()
	// In mode observe no customer is refused because a machine that stands still makes the backend look slow. All must have seen that it leaves
	// before the delay is over.
	c := spawn(t, conf("mode: observe\ndrain: {delay: 3s, timeout: 10s}\naccess_log: {to: 'off'}", backend(t, goods), `  - {name: slow, match: {path: /slow}, upstream: app, priority: critical}
  - {name: quick, match: {path: /quick}, upstream: app, priority: critical}
`))
	load := &customers{t: t, url: c.url}
	for range 3 {
		load.keep("/quick")
		load.keep("/slow")
		load.fresh("/quick")
	}
	eventually(t, "some load", func() bool { return load.answered.Load() > 50 })
	c.signal(syscall.SIGTERM)
	eventually(t, "readiness to fail", func() bool {
		a := call(t, "GET", c.adminURL+"/readyz")
		return a.status == http.StatusServiceUnavailable && a.body == "not ready: draining\n"
	})
	if got := metric(t, c.adminURL, "triage_draining"); got != 1 {
		t.Errorf("triage_draining is %v, want 1", got)
	}
	// Still served, and asked to go.
	w := dial(t, c.url)
	w.say("GET /quick HTTP/1.1\r\nHost: h\r\n\r\n")
	if a := w.answer(); a.status != http.StatusOK || !a.close || !w.closed() {
		t.Errorf("while draining: %d, %v, close %v; want 200 and Connection: close", a.status, a.err, a.close)
	}
	load.leaving.Store(true)
	load.all.Wait()
	if code := c.code(); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
	t.Logf("%d answered, %d of them while draining, %d failed", load.answered.Load(), load.late.Load(), load.failed.Load())
	if load.failed.Load() != 0 || load.late.Load() == 0 {
		t.Errorf("%d answered, %d of them while draining, %d failed; want none failed and some while draining", load.answered.Load(), load.late.Load(), load.failed.Load())
	}
	if !strings.Contains(c.stderr.String(), `"msg":"drained","in_time":true`) {
		t.Errorf("the log does not say that it drained in time")
	}
}

// A request that outlasts drain.timeout is cut, and the process ends.
func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testDrainTimeout)
}

func testDrainTimeout(t *testing.T) {
	t.Parallel()
	c := spawn(t, conf("drain: {timeout: 300ms}", backend(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), everything))
	cut := make(chan answer)
	go func() { cut <- call(t, "GET", c.url+"/x") }()
	eventually(t, "the request to be under way", func() bool { return statusOf(t, c.adminURL).Routes[0].Shed.InFlight == 1 })
	c.signal(syscall.SIGTERM)
	if a := <-cut; a.err == nil {
		t.Errorf("the request that outlasts the timeout: %d %q; want it cut", a.status, a.body)
	}
	if code := c.code(); code != 0 || !strings.Contains(c.stderr.String(), `"msg":"drained","in_time":false`) {
		t.Errorf("exit %d; want 0 and a word that it was not in time", code)
	}
}

// websocket echoes what comes after the handshake.
func websocket(w http.ResponseWriter, _ *http.Request) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.Copy(c, rw)
}

// opening asks for a websocket.
const opening = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// upgrade opens a websocket connection and sends something through it.
func upgrade(t *testing.T, url string) *wire {
	t.Helper()
	w := dial(t, url)
	w.say(opening)
	if header := w.header(); !strings.HasPrefix(header, "HTTP/1.1 101 ") {
		t.Fatalf("upgrade: %q, want 101", header)
	}
	w.ping()
	return w
}

func (w *wire) ping() {
	w.t.Helper()
	w.say("ping")
	b := make([]byte, 4)
	if _, err := io.ReadFull(w.r, b); err != nil || string(b) != "ping" {
		w.t.Fatalf("through the websocket: %q, %v; want ping", b, err)
	}
}

func TestDrainOfWebsockets(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testDrainOfWebsockets)
}

func testDrainOfWebsockets(t *testing.T) {
	t.Parallel()
	app := backend(t, websocket)
	t.Run("cut at the timeout", func(t *testing.T) {
		t.Parallel()
		c := spawn(t, conf("drain: {timeout: 2s}", app, everything))
		w := upgrade(t, c.url)
		begun := time.Now()
		c.signal(syscall.SIGTERM)
		eventually(t, "new connections to be refused", func() bool { return errors.Is(call(t, "GET", c.url).err, syscall.ECONNREFUSED) })
		w.ping()
		if closed, took := w.closed(), time.Since(begun); !closed || took < 1900*time.Millisecond {
			t.Errorf("cut after %v (%v); want it after drain.timeout", took, closed)
		}
		if code := c.code(); code != 0 {
			t.Errorf("exit %d, want 0", code)
		}
	})
	t.Run("waited for no longer than it lasts", func(t *testing.T) {
		t.Parallel()
		c := spawn(t, conf("drain: {timeout: 1h}", app, everything))
		w := upgrade(t, c.url)
		c.signal(syscall.SIGTERM)
		eventually(t, "new connections to be refused", func() bool { return errors.Is(call(t, "GET", c.url).err, syscall.ECONNREFUSED) })
		w.ping()
		w.Close()
		if code := c.code(); code != 0 {
			t.Errorf("exit %d, want 0", code)
		}
	})
	t.Run("of an earlier configuration", func(t *testing.T) {
		t.Parallel()
		c := spawn(t, conf("drain: {timeout: 1h}", app, everything))
		w := upgrade(t, c.url)
		// Other settings of the connections to the upstream, then none of its name: the connection belongs to neither.
		for _, text := range []string{strings.Replace(conf("", app, everything), "timeout: 5s", "idle_timeout: 50s", 1), strings.ReplaceAll(conf("", app, everything), "app", "other")} {
			write(t, c.path, strings.Replace(text, "admin:", "drain: {timeout: 1h}\nadmin:", 1))
			if a := call(t, "POST", c.adminURL+"/api/v1/reload"); a.status != http.StatusOK {
				t.Fatalf("reload: %d %q", a.status, a.body)
			}
		}
		c.signal(syscall.SIGTERM)
		eventually(t, "new connections to be refused", func() bool { return errors.Is(call(t, "GET", c.url).err, syscall.ECONNREFUSED) })
		for begun := time.Now(); time.Since(begun) < 1500*time.Millisecond; time.Sleep(50 * time.Millisecond) {
			w.ping()
		}
		w.Close()
		if code := c.code(); code != 0 {
			t.Errorf("exit %d, want 0", code)
		}
	})
}

// What a listener that a reload removed still serves is waited for, too.
func TestDrainOfARemovedListener(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testDrainOfARemovedListener)
}

func testDrainOfARemovedListener(t *testing.T) {
	t.Parallel()
	app := backend(t, goods)
	first, second := freeAddress(t), freeAddress(t)
	c := spawn(t, conf("drain: {timeout: 1h}\nlisten: "+first, app, everything))
	slow := make(chan answer)
	go func() { slow <- call(t, "GET", "http://"+first+"/slow") }()
	eventually(t, "the request to be under way", func() bool { return statusOf(t, c.adminURL).Upstreams[0].Endpoints[0].InFlight == 1 })
	write(t, c.path, conf("drain: {timeout: 1h}\nlisten: "+second, app, everything))
	if a := call(t, "POST", c.adminURL+"/api/v1/reload"); a.status != http.StatusOK {
		t.Fatalf("reload: %d %q", a.status, a.body)
	}
	c.signal(syscall.SIGTERM)
	if a := <-slow; a.err != nil || len(a.body) != 50_000 {
		t.Errorf("the request on the removed listener: %d, %d bytes, %v; want all 50000", a.status, len(a.body), a.err)
	}
	if code := c.code(); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testASecondSignalEndsAtOnce)
}

func testASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, first := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		c := spawn(t, conf("drain: {delay: 1h}", backend(t, echo), everything))
		get(t, c.url+"/x")
		c.signal(first)
		eventually(t, "readiness to fail", func() bool { return call(t, "GET", c.adminURL+"/readyz").status == http.StatusServiceUnavailable })
		get(t, c.url+"/x")
		c.signal(syscall.SIGINT)
		if code := c.code(); code != 1 || !strings.Contains(c.stderr.String(), "a second signal: ending at once") {
			t.Errorf("%v, then SIGINT: exit %d; want 1", first, code)
		}
	}
}
