package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"triage/proxy"
)

// receiver is a collector: it keeps the spans that it is sent.
type receiver struct {
	url string

	mu        sync.Mutex
	spans     []*otlp.Span
	resources map[string]string
	header    http.Header
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	c := &receiver{resources: map[string]string{}}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var all otlp.TracesData
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &all) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.header = r.Header
	for _, of := range all.ResourceSpans {
		for _, a := range of.Resource.Attributes {
			c.resources[a.Key] = a.Value.GetStringValue()
		}
		for _, in := range of.ScopeSpans {
			c.spans = append(c.spans, in.Spans...)
		}
	}
}

// whole gives the spans of exchanges as such.
func (c *receiver) whole() (all []*otlp.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Kind == otlp.Span_SPAN_KIND_SERVER {
			all = append(all, s)
		}
	}
	return all
}

// of gives the one exchange with the path, and its tree of spans as text: what is below stands in brackets, a reason behind a colon.
func (c *receiver) of(t *testing.T, path string) (*otlp.Span, string) {
	t.Helper()
	var found []*otlp.Span
	for _, s := range c.whole() {
		if attribute(s, "url.path") == path {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: %d traces, want one", path, len(found))
	}
	return found[0], c.tree(t, found[0])
}

func (c *receiver) tree(t *testing.T, of *otlp.Span) string {
	t.Helper()
	text := of.Name
	if why := attribute(of, "triage.reason"); why != "" {
		text += ":" + why
	}
	if failed := of.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR; failed {
		text += "!"
	}
	var below []string
	for _, s := range c.spans {
		if string(s.ParentSpanId) != string(of.SpanId) {
			continue
		}
		below = append(below, c.tree(t, s))
		if s.StartTimeUnixNano < of.StartTimeUnixNano || s.EndTimeUnixNano > of.EndTimeUnixNano || s.StartTimeUnixNano > s.EndTimeUnixNano || string(s.TraceId) != string(of.TraceId) {
			t.Errorf("%s is from %d to %d in trace %x, and its parent %s from %d to %d in %x", s.Name, s.StartTimeUnixNano, s.EndTimeUnixNano, s.TraceId, of.Name, of.StartTimeUnixNano, of.EndTimeUnixNano, of.TraceId)
		}
	}
	if len(below) > 0 {
		text += "(" + strings.Join(below, " ") + ")"
	}
	return text
}

// find gives the span with the name below an exchange.
func (c *receiver) find(of *otlp.Span, name string) *otlp.Span {
	for _, s := range c.spans {
		if s.Name == name && string(s.TraceId) == string(of.TraceId) {
			return s
		}
	}
	return nil
}

// attribute gives what a span says, as text.
func attribute(s *otlp.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.Key != key {
			continue
		}
		if text := a.Value.GetStringValue(); text != "" {
			return text
		}
		return fmt.Sprint(a.Value.GetIntValue())
	}
	return ""
}

// says checks attributes, given as KEY=VALUE.
func says(t *testing.T, s *otlp.Span, want ...string) {
	t.Helper()
	for _, pair := range want {
		key, value, _ := strings.Cut(pair, "=")
		if got := attribute(s, key); got != value {
			t.Errorf("%s: %s is %q, want %q", s.GetName(), key, got, value)
		}
	}
}

const (
	traceID  = "0af7651916cd43dd8448eb211c80319c"
	clientID = "b7ad6b7169203331"
)

// The spans of requests that were served, that each gate refused, and that failed in every stage; and what the endpoint is told.
func TestTraces(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testTraces)
}

func testTraces(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/broken", "/open/fails":
			w.WriteHeader(http.StatusInternalServerError)
			return
		case "/torn":
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "torn")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/reset":
			panic(http.ErrAbortHandler)
		}
		echo(w, r)
	})
	to := newReceiver(t)
	top := fmt.Sprintf("name: gate\ntracing: {endpoint: %q, sample: 100%%, headers: {X-Scope: shop}}", to.url)
	r := start(t, strings.Replace(conf(top, app, `  - {name: shop, upstream: app, priority: critical}
  - {name: few, match: {path: /few}, upstream: app, rate_limit: {rate: 1/h, burst: 1}}
  - {name: shed, match: {path: /shed}, upstream: app}
  - {name: open, match: {path: /open/*}, upstream: app, rate_limit: {rate: 1000/s}, breaker: {open_for: 2s}}
  - {name: dead, match: {path: /dead/*}, upstream: dead}
`), "\nroutes:", fmt.Sprintf("\n  dead: {endpoints: ['http://%s']}\nroutes:", freeAddress(t)), 1))
	if err := r.proxy.ByHand(proxy.Hand{Shed: map[string]float64{"shed": 1}}); err != nil {
		t.Fatal(err)
	}
	told := map[string]echoed{}
	for _, path := range []string{"/first", "/broken", "/torn", "/reset", "/dead/x", "/shed", "/healthz", "/few"} {
		a := call(t, "GET", r.url+path+"?secret=1")
		if a.status == http.StatusOK && a.err == nil {
			told[path] = a.seen(t)
		}
	}
	openBreaker(t, r, "/open/fails")
	call(t, "GET", r.url+"/open/refused")
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	send(t, client, "BREW", r.url+"/brew", "")
	call(t, "GET", r.url+"/few/?%00")
	call(t, "GET", r.url+"/few")
	const parent = "Traceparent: 00-" + traceID + "-" + clientID + "-01"
	told["/continued"] = call(t, "GET", r.url+"/continued", parent, "Tracestate: a=1", "Tracestate: b=2").seen(t)
	told["/malformed"] = call(t, "GET", r.url+"/malformed", strings.ToUpper(parent), "Tracestate: a=1").seen(t)
	told["/unwanted"] = call(t, "GET", r.url+"/unwanted", strings.TrimSuffix(parent, "1")+"0", "Tracestate: a=1").seen(t)
	if err := r.stop(); err != nil { // which sends what is queued
		t.Fatal(err)
	}

	const passed = "admission breaker "
	for path, want := range map[string]string{
		"/first":        "GET /*(" + passed + "forward(connect first byte body))",
		"/continued":    "GET /*(" + passed + "forward(first byte body))",
		"/malformed":    "GET /*(" + passed + "forward(first byte body))",
		"/broken":       "GET /*!(" + passed + "forward!(first byte body))",
		"/torn":         "GET /*:upstream_incomplete!(" + passed + "forward!(first byte body:upstream_incomplete!))",
		"/dead/x":       "GET /dead/*:connect_refused!(" + passed + "forward!(connect:connect_refused!))",
		"/shed":         "GET /shed:by_hand!(admission:by_hand!)",
		"/open/refused": "GET /open/*:breaker!(bucket admission breaker:breaker!)",
		"/healthz":      "GET /*(forward(first byte body))",
		"/brew":         "HTTP /*(" + passed + "forward(first byte body))",
	} {
		if _, got := to.of(t, path); strings.ReplaceAll(got, "connect first byte body", "first byte body") != strings.ReplaceAll(want, "connect first byte body", "first byte body") {
			t.Errorf("%s:\n%s, want\n%s", path, got, want)
		}
	}
	if _, got := to.of(t, "/first"); !strings.Contains(got, "forward(connect ") {
		t.Errorf("the first request of all has no span for its connection: %s", got)
	}
	if s, got := to.of(t, "/reset"); !strings.Contains(got, "first byte:upstream_reset!)") || attribute(s, "error.type") != "upstream_reset" {
		t.Errorf("an answer that breaks off before its header: %s", got)
	}
	refused := slices.IndexFunc(to.whole(), func(s *otlp.Span) bool { return attribute(s, "triage.reason") == "quota" })
	if refused < 0 {
		t.Fatal("there is no trace of the request over its quota")
	}
	if got := to.tree(t, to.whole()[refused]); got != "GET /few:quota(bucket:quota!)" {
		t.Errorf("over its quota: %s", got)
	}

	first, _ := to.of(t, "/first")
	says(t, first, "http.request.method=GET", "url.path=/first", "url.scheme=http", "http.route=/*", "http.response.status_code=200", "server.address=127.0.0.1", "client.address=127.0.0.1",
		"network.protocol.version=1.1", "triage.route=shop", "triage.priority=critical", "triage.upstream=app", "triage.endpoint="+app, "triage.result=served", "error.type=")
	says(t, to.find(first, "forward"), "http.request.method=GET", "url.full="+app+"/first", "http.response.status_code=200", "server.address=127.0.0.1")
	if line := logged(t, r.access, "/first"); line["trace_id"] != hex.EncodeToString(first.TraceId) || first.ParentSpanId != nil {
		t.Errorf("the access log says of the trace %x: %v", first.TraceId, line["trace_id"])
	}
	brew, _ := to.of(t, "/brew")
	says(t, brew, "http.request.method=_OTHER", "http.request.method_original=BREW")
	broken, _ := to.of(t, "/broken")
	says(t, broken, "http.response.status_code=500", "error.type=500", "triage.result=failed")
	if to.resources["service.name"] != "gate" || to.resources["service.version"] == "" || to.header.Get("X-Scope") != "shop" {
		t.Errorf("the collector is told of %v, with %v", to.resources, to.header)
	}

	for _, path := range []string{"/first", "/continued", "/malformed"} {
		s, _ := to.of(t, path)
		h := told[path].Header
		if got, want := h.Get("Traceparent"), fmt.Sprintf("00-%x-%x-0", s.TraceId, to.find(s, "forward").GetSpanId()); !strings.HasPrefix(got, want) || got[len(got)-1]&1 == 0 {
			t.Errorf("%s: the endpoint is told %q, want %s and that it is sampled", path, got, want)
		}
	}
	continued, _ := to.of(t, "/continued")
	if hex.EncodeToString(continued.TraceId) != traceID || hex.EncodeToString(continued.ParentSpanId) != clientID || continued.TraceState != "a=1,b=2" {
		t.Errorf("a trace that goes on: %v", continued)
	}
	if got := told["/continued"].Header.Values("Tracestate"); strings.Join(got, ",") != "a=1,b=2" {
		t.Errorf("tracestate goes on as %q", got)
	}
	if malformed, _ := to.of(t, "/malformed"); hex.EncodeToString(malformed.TraceId) == traceID || malformed.ParentSpanId != nil || told["/malformed"].Header["Tracestate"] != nil {
		t.Errorf("beside a traceparent that cannot be read tracestate goes on as %q, and the trace is %v", told["/malformed"].Header["Tracestate"], malformed)
	}
	if h := told["/unwanted"].Header; h.Get("Traceparent") != "00-"+traceID+"-"+clientID+"-00" || h.Get("Tracestate") != "a=1" {
		t.Errorf("a trace that nobody records goes on as %q, %q; want it as it came", h.Get("Traceparent"), h.Get("Tracestate"))
	}
	for _, s := range to.spans {
		if attribute(s, "url.path") == "/unwanted" || strings.Contains(s.String(), "secret") {
			t.Errorf("this is in no trace: %v", s)
		}
	}
}

// However many clients say that their trace is recorded, so many are here, and endpoints are not told that more are.
func TestTracesThatClientsAskFor(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testTracesThatClientsAskFor)
}

func testTracesThatClientsAskFor(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	r := start(t, conf(fmt.Sprintf("tracing: {endpoint: %q, sample: 0%%, asked: 1/h}", to.url), backend(t, echo), everything))
	sampled, seen := 0, map[string]bool{}
	for i := range 50 {
		got := call(t, "GET", r.url+fmt.Sprint("/", i), "Traceparent: 00-"+traceID+"-"+clientID+"-03").seen(t).Header.Get("Traceparent")
		if strings.HasSuffix(got, "-03") {
			sampled++
		} else if !strings.HasSuffix(got, "-02") {
			t.Fatalf("the endpoint is told %q", got)
		}
		if seen[got] || !strings.HasPrefix(got, "00-"+traceID+"-") || strings.Contains(got, clientID) {
			t.Errorf("the endpoint is told %q: want the trace, and a span of its own", got)
		}
		seen[got] = true
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if sampled != 1 || len(to.whole()) != 1 {
		t.Errorf("of 50 that asked %d are told on as recorded and %d are; want one", sampled, len(to.whole()))
	}
}

// Without tracing nothing of a client's context is touched.
func TestWithoutTraces(t *testing.T) {
	t.Parallel()
	onBothLanes(t, func(t *testing.T) {
		t.Parallel()
		r := start(t, conf("", backend(t, echo), everything))
		h := call(t, "GET", r.url+"/x", "Traceparent: what it likes", "Tracestate: x=1").seen(t).Header
		if h.Get("Traceparent") != "what it likes" || h.Get("Tracestate") != "x=1" || logged(t, r.access, "/x")["trace_id"] != nil {
			t.Errorf("the endpoint is told %q, %q, and the log says %v", h.Get("Traceparent"), h.Get("Tracestate"), logged(t, r.access, "/x"))
		}
		if h := call(t, "GET", r.url+"/y").seen(t).Header; h["Traceparent"] != nil {
			t.Errorf("the endpoint is told %q", h["Traceparent"])
		}
	})
}

// A collector that hangs, fails or is not there costs traces, which are counted, and nobody else anything.
func TestCollectorInTrouble(t *testing.T) {
	t.Parallel()
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hanging.Close() })
	failing := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	for name, url := range map[string]string{"hangs": "http://" + hanging.Addr().String(), "fails": failing, "is not there": "http://" + freeAddress(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, conf(fmt.Sprintf("tracing: {endpoint: %q, sample: 100%%, timeout: 100ms, queue: 10}", url), backend(t, echo), everything))
			for range 40 {
				get(t, r.url+"/x")
			}
			eventually(t, "all traces to be lost", func() bool {
				return metric(t, r.adminURL, "triage_traces_dropped_total", "cause", "collector")+metric(t, r.adminURL, "triage_traces_dropped_total", "cause", "queue_full") == 40
			})
			if got := metric(t, r.adminURL, "triage_traces_sent_total"); got != 0 {
				t.Errorf("%v traces are said to be sent", got)
			}
			eventually(t, "a word of it", func() bool { return strings.Contains(r.log.String(), "traces lost") })
			get(t, r.url+"/x")
			began := time.Now()
			if err := r.stop(); err != nil || time.Since(began) > patience {
				t.Errorf("the end takes %v: %v", time.Since(began), err)
			}
		})
	}
}

// Requests are served on while a reload turns tracing on, sends it elsewhere, and turns it off; no trace that was made is lost.
func TestReloadOfTraces(t *testing.T) {
	t.Parallel()
	first, second := newReceiver(t), newReceiver(t)
	app := backend(t, echo)
	version := func(tracing string) string { return conf(tracing, app, everything) }
	r := start(t, version(""))
	made := 0
	for i, tracing := range []string{"", "tracing: {sample: 100%, endpoint: '" + first.url + "'}", "tracing: {sample: 100%, endpoint: '" + second.url + "'}", ""} {
		write(t, r.options.path, version(tracing))
		if err := r.reload("test"); err != nil {
			t.Fatal(err)
		}
		for j := range 10 {
			if got := whole(t, r.url, fmt.Sprint("/", i, "/", j)).seen(t).Header.Get("Traceparent"); got != "" {
				made++
			}
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if a, b := len(first.whole()), len(second.whole()); made != 20 || a != 10 || b != 10 {
		t.Errorf("of %d traces %d and %d arrived; want ten each", made, a, b)
	}
}

// The buckets of the duration have the traces of requests as examples, if the scraper asks for OpenMetrics.
func TestExemplars(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	const open = "Accept: application/openmetrics-text; version=1.0.0"
	scrape := func(sample string) (body, id string) {
		r := start(t, conf(fmt.Sprintf("tracing: {endpoint: %q, sample: %s}", to.url, sample), backend(t, echo), everything))
		get(t, r.url+"/x")
		id, _ = logged(t, r.access, "/x")["trace_id"].(string)
		return get(t, r.adminURL+"/metrics", open), id
	}
	body, id := scrape("100%")
	example := regexp.MustCompile(`(?m)^triage_request_duration_seconds_bucket\{priority="normal",route="all",le="[0-9.+Inf]+"\} 1 # \{trace_id="` + id + `"\} [0-9.e-]+ [0-9.e+]+$`)
	if id == "" || !example.MatchString(body) {
		t.Errorf("no bucket has the trace %q as its example:\n%s", id, body)
	}
	if body, id = scrape("0%"); id != "" || strings.Contains(body, "trace_id") {
		t.Errorf("a request that is not traced is an example, or has the trace %q", id)
	}
}

// What only the files can tell is found by check, with its place, and no secret is told.
func TestCheckOfTracing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, content, want string }{
		{"headers_file: other", "authorization Bearer hush\n", ":4:17: tracing.headers_file: it holds what is no header field; lines of \"NAME: VALUE\""},
		{"tls: {ca_file: other}", "hush", ":4:18: tracing.tls.ca_file: "},
	} {
		path := configFile(t, conf("tracing:\n  endpoint: https://collector\n  "+c.key, "http://127.0.0.1:9", everything))
		write(t, filepath.Join(filepath.Dir(path), "other"), c.content)
		code, stdout, stderr := command(t, "check", "-c", path)
		if code != exitFailed || !strings.Contains(stdout+stderr, c.want) || strings.Contains(stdout+stderr, "hush") {
			t.Errorf("%s: exit %d, %s%s; want %s", c.key, code, stdout, stderr, c.want)
		}
	}
}

// The environment says what the file does not, and turns nothing on.
func TestCollectorOfTheEnvironment(t *testing.T) {
	to := newReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", to.url+"/")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-scope=shop%20one, authorization=hush")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=not this,zone=a%2Cb")
	t.Setenv("OTEL_SERVICE_NAME", "gate")
	off := start(t, conf("", backend(t, echo), everything))
	on := start(t, conf("tracing: {sample: 100%, headers: {Authorization: said}}", backend(t, echo), everything))
	for _, r := range []*running{off, on} {
		get(t, r.url+"/x")
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if len(to.whole()) != 1 || to.resources["service.name"] != "gate" || to.resources["zone"] != "a,b" || to.header.Get("X-Scope") != "shop one" || to.header.Get("Authorization") != "said" {
		t.Errorf("%d traces, of %v, with %v", len(to.whole()), to.resources, to.header)
	}
	none := func(string) string { return "" }
	for endpoint, want := range map[string]string{
		"": "http://localhost:4318/v1/traces", "http://c:1": "http://c:1/v1/traces", "http://c:1/": "http://c:1/v1/traces", "https://c/otlp/x": "https://c/otlp/x",
	} {
		if got := collectorURL(endpoint, none); got != want {
			t.Errorf("%q is %q, want %q", endpoint, got, want)
		}
	}
}
