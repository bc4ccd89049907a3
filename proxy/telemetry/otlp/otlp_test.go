package otlp_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"triage/proxy"
	"triage/proxy/reason"
	"triage/proxy/telemetry/otlp"
	"triage/proxy/trace"
)

// collector answers with a status and keeps the spans of what it takes.
type collector struct {
	*httptest.Server
	status atomic.Int64
	asked  atomic.Int64
	hold   chan struct{} // if not nil, nothing is answered until it is closed

	mu    sync.Mutex
	spans []*wire.Span
}

func newCollector(t *testing.T, status int) *collector {
	t.Helper()
	c := &collector{}
	c.status.Store(int64(status))
	c.Server = httptest.NewServer(c)
	t.Cleanup(func() {
		c.CloseClientConnections()
		c.Close()
	})
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := int(c.status.Load()) // before it is counted: who waits for the count may then change it
	c.asked.Add(1)
	body, err := io.ReadAll(r.Body)
	if c.hold != nil {
		select {
		case <-c.hold:
		case <-r.Context().Done():
			return
		}
	}
	var all wire.TracesData
	if err == nil && status == http.StatusOK && proto.Unmarshal(body, &all) == nil {
		c.mu.Lock()
		c.spans = append(c.spans, all.ResourceSpans[0].ScopeSpans[0].Spans...)
		c.mu.Unlock()
	}
	w.Header().Set("Location", c.URL)
	w.WriteHeader(status)
}

// running is an exporter to a URL; stop ends it and sends what is queued.
func running(t *testing.T, s otlp.Settings) (e *otlp.Exporter, stop func()) {
	t.Helper()
	e = otlp.New(nil)
	use(t, e, s)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return e, stop
}

func use(t *testing.T, e *otlp.Exporter, s otlp.Settings) {
	t.Helper()
	c, err := otlp.NewCollector(s)
	if err != nil {
		t.Fatal(err)
	}
	e.Use(c)
}

// until waits for something that is about to happen.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(ms) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

var noon = time.Unix(1_800_000_000, 0)

const ms = time.Millisecond

// served is an exchange that waited ten milliseconds, connected in five, and had its answer begun in thirty and done in forty.
func served() *proxy.Exchange {
	return &proxy.Exchange{
		ID: "1", Start: noon, Client: netip.MustParseAddr("192.0.2.7"), Method: "GET", Host: "shop.example:8443", Path: "/x", Proto: "HTTP/2.0",
		Route: "all", Priority: "critical", Upstream: "shop", Endpoint: "http://10.0.0.1:9000", Status: 200, UpstreamStatus: 200,
		Edge: 2 * ms, Queued: 10 * ms, Connect: 5 * ms, FirstByte: 30 * ms, Body: 10 * ms, Total: 52 * ms,
		Trace: &proxy.Trace{
			ID: trace.NewID(), Span: trace.NewSpan(), Call: trace.NewSpan(), Scheme: "https", Pattern: "/x", Limited: true, Last: proxy.ForwardGate, Sent: noon.Add(12 * ms),
		},
	}
}

// Spans are the stages of the record, one after the other.
func TestTimes(t *testing.T) {
	again := served() // it came to the gates a second time, in the middle of its body
	again.Queued += 7 * ms
	refused := served()
	refused.Reason, refused.Result, refused.Status, refused.Endpoint, refused.UpstreamStatus = reason.QueueTimeout, proxy.Refused, 503, "", 0
	refused.Edge, refused.Connect, refused.FirstByte, refused.Body, refused.Total = 2*ms, 0, 0, 0, 12*ms
	refused.Trace.Last, refused.Trace.Sent = proxy.AdmissionGate, time.Time{}
	late := served()
	late.Reason, late.Result, late.Status, late.UpstreamStatus, late.FirstByte, late.Body = reason.UpstreamTimeout, proxy.Failed, 504, 0, 0, 0
	for name, c := range map[string]struct {
		x    *proxy.Exchange
		want string
	}{
		"served":  {served(), "GET /x 0-52 bucket 0-0 admission 0-10 breaker 10-10 forward 12-52 connect 12-17 first byte 17-42 body 42-52"},
		"again":   {again, "GET /x 0-52 bucket 0-0 admission 0-10 breaker 10-10 forward 12-52 connect 12-17 first byte 17-42 body 42-52"},
		"refused": {refused, "GET /x queue_timeout 0-12 bucket 0-0 admission queue_timeout 0-10"},
		"late":    {late, "GET /x upstream_timeout 0-52 bucket 0-0 admission 0-10 breaker 10-10 forward upstream_timeout 12-52 connect 12-17 first byte upstream_timeout 17-52"},
	} {
		t.Run(name, func(t *testing.T) {
			to := newCollector(t, http.StatusOK)
			e, stop := running(t, otlp.Settings{URL: to.URL})
			e.Record(c.x)
			stop()
			var got []string
			for _, s := range to.spans {
				at := func(ns uint64) int64 { return time.Unix(0, int64(ns)).Sub(noon).Milliseconds() }
				if s.Status != nil {
					s.Name += " " + s.Status.Message
				}
				got = append(got, fmt.Sprintf("%s %d-%d", s.Name, at(s.StartTimeUnixNano), at(s.EndTimeUnixNano)))
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What a client sent is cut, and what is not text does not spoil the batch.
func TestWhatClientsSend(t *testing.T) {
	to := newCollector(t, http.StatusOK)
	e, stop := running(t, otlp.Settings{URL: to.URL})
	x := served()
	long := strings.Repeat("\xff", 1<<16)
	x.ID, x.Method, x.Host, x.Path, x.Proto, x.Trace.State = long, long, long, "/p?secret"+long, long, long
	e.Record(x)
	e.Record(served())
	stop()
	if len(to.spans) != 16 || e.Snapshot().Sent != 2 {
		t.Fatalf("%d spans arrived, and %+v; want 16 of two exchanges", len(to.spans), e.Snapshot())
	}
	for _, s := range to.spans {
		if size := proto.Size(s); size > 8<<10 || strings.Contains(s.String(), "secret") {
			t.Errorf("the span %s has %d bytes: %.200s", s.Name, size, s.String())
		}
	}
}

// A queue that is full takes nothing more, whatever the collector does.
func TestQueueIsBounded(t *testing.T) {
	to := newCollector(t, http.StatusOK)
	to.hold = make(chan struct{})
	e, stop := running(t, otlp.Settings{URL: to.URL, Queue: 10, Every: ms, Timeout: time.Minute})
	e.Record(served())
	until(t, func() bool { return to.asked.Load() > 0 })
	for range 100 {
		e.Record(served())
	}
	if got := e.Snapshot(); got.Overflowed != 90 || got.Sent+got.Failed != 0 {
		t.Errorf("%+v while the collector hangs; want 90 that found no room", got)
	}
	close(to.hold)
	stop()
	if got := e.Snapshot(); got.Sent != 11 || got.Failed != 0 {
		t.Errorf("%+v when it has come back; want 11 sent", got)
	}
}

// What may pass is tried again, and what will not is not.
func TestTries(t *testing.T) {
	for status, tries := range map[int]int64{503: 2, 429: 2, 400: 1, 500: 1, 302: 1} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			to := newCollector(t, status)
			e, _ := running(t, otlp.Settings{URL: to.URL, Every: ms})
			e.Record(served())
			until(t, func() bool { return to.asked.Load() > 0 })
			to.status.Store(http.StatusOK)
			until(t, func() bool { return e.Snapshot().Sent+e.Snapshot().Failed > 0 })
			if got := e.Snapshot(); to.asked.Load() != tries || got.Sent != uint64(tries-1) {
				t.Errorf("asked %d times, %+v; want %d times", to.asked.Load(), got, tries)
			}
		})
	}
}

// The end waits for a collector that hangs no longer than the timeout, and counts what is lost.
func TestEndIsBounded(t *testing.T) {
	to := newCollector(t, http.StatusOK)
	to.hold = make(chan struct{})
	e, stop := running(t, otlp.Settings{URL: to.URL, Timeout: 50 * ms, Queue: 1000})
	for range 1000 {
		e.Record(served())
	}
	stop()
	if got := e.Snapshot(); got.Failed != 1000 {
		t.Errorf("%+v; want all lost", got)
	}
}

// Who is replaced gets what was queued for it, and a record that comes when there is nobody is nobody's.
func TestReplaced(t *testing.T) {
	first, second := newCollector(t, http.StatusOK), newCollector(t, http.StatusOK)
	e, stop := running(t, otlp.Settings{URL: first.URL, Every: time.Hour})
	e.Record(served())
	use(t, e, otlp.Settings{URL: second.URL, Every: time.Hour})
	e.Record(served())
	e.Record(served())
	e.Use(nil)
	e.Record(served())
	until(t, func() bool { return e.Snapshot().Sent == 3 })
	stop()
	if len(first.spans) != 8 || len(second.spans) != 16 || e.Snapshot() != (otlp.Snapshot{Sent: 3}) {
		t.Errorf("%d and %d spans arrived, and %+v; want 8, 16, and three sent", len(first.spans), len(second.spans), e.Snapshot())
	}
}

func TestBadSettings(t *testing.T) {
	for _, s := range []otlp.Settings{
		{}, {URL: "collector:4318"}, {URL: "grpc://collector"}, {URL: "http://"}, {URL: "http://c", Queue: -1}, {URL: "http://c", Timeout: -1},
		{URL: "https://c", CAFile: "/nowhere"}, {URL: "https://c", CertFile: "/nowhere", KeyFile: "/nowhere"},
	} {
		if _, err := otlp.NewCollector(s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// A collector is believed if the authorities that were named, or the system's, vouch for it, under the name that was given.
func TestTLS(t *testing.T) {
	to := &collector{}
	to.status.Store(http.StatusOK)
	to.Server = httptest.NewUnstartedServer(to)
	to.Config.ErrorLog = log.New(io.Discard, "", 0)
	to.StartTLS()
	t.Cleanup(to.Close)
	authorities := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authorities, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: to.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		settings otlp.Settings
		sent     uint64
	}{
		"named":      {otlp.Settings{CAFile: authorities, ServerName: "example.com"}, 1},
		"by address": {otlp.Settings{CAFile: authorities}, 1},
		"wrong name": {otlp.Settings{CAFile: authorities, ServerName: "other.invalid"}, 0},
		"unknown":    {otlp.Settings{}, 0},
	} {
		c.settings.URL = to.URL
		e, stop := running(t, c.settings)
		e.Record(served())
		stop()
		if got := e.Snapshot(); got.Sent != c.sent || got.Failed != 1-c.sent {
			t.Errorf("%s: %+v, want %d sent", name, got, c.sent)
		}
	}
}
