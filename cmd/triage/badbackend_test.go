package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"triage/proxy/reason"
)

// unlucky is a backend that does wrong what the path says.
func unlucky(w *wire) {
	request, err := http.ReadRequest(w.r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, request.Body)
	switch what, _, _ := strings.Cut(request.URL.Path[1:], "-"); what {
	case "fine":
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine")
	case "hang":
		_, _ = io.Copy(io.Discard, w.r)
	case "reset":
		w.reset()
	case "eof":
	case "header":
		w.say("HTTP/1.1 200 OK\r\nContent-Le")
	case "garbage":
		w.say("220 mail.example ESMTP\r\n")
	case "status":
		w.say("HTTP/1.1 20 OK\r\n\r\n")
	case "half":
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
	case "midreset":
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
		time.Sleep(20 * time.Millisecond)
		w.reset()
	case "chunk":
		w.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n")
	case "still":
		w.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
		_, _ = io.Copy(io.Discard, w.r)
	case "switch":
		w.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: surprise\r\n\r\n")
	case "big":
		w.say("HTTP/1.1 200 OK\r\nX-Big: %s\r\nContent-Length: 0\r\n\r\n", strings.Repeat("x", 1<<20))
	}
}

// Only what is about time meets short timeouts: on a busy machine anything else may need longer.
const unluckyRoutes = `  - {name: all, upstream: app, breaker: {disabled: true}}
  - {name: hasty, match: {path: /hang}, upstream: app, timeout: 400ms}
  - {name: restless, match: {path: /still}, upstream: restless}
  - {name: refusing, match: {path: /refusing}, upstream: refusing}
  - {name: nameless, match: {path: /nameless}, upstream: nameless}
`

// Whatever a backend does wrong, the client gets the status that tells it, or a connection that breaks where the answer broke;
// log and metric have the reason; the next request is served.
func TestBackendFaults(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testBackendFaults)
}

func testBackendFaults(t *testing.T) {
	t.Parallel()
	app := rawBackend(t, unlucky)
	r := start(t, strings.Replace(conf("", app, unluckyRoutes), "upstreams:\n", fmt.Sprintf(`upstreams:
  refusing: {endpoints: ["http://%s"]}
  nameless: {endpoints: ["http://no-such-host.invalid:80"]}
  restless: {endpoints: [%q], idle_timeout: 300ms}
`, freeAddress(t), app), 1))
	tests := []struct {
		path, route string
		why         reason.Reason
		broken      bool // after the response header
	}{
		{"/refusing", "refusing", reason.ConnectRefused, false},
		{"/nameless", "nameless", reason.DNS, false},
		{"/hang", "hasty", reason.UpstreamTimeout, false},
		{"/reset", "all", reason.UpstreamReset, false},
		{"/eof", "all", reason.UpstreamReset, false},
		{"/header", "all", reason.UpstreamReset, false},
		{"/garbage", "all", reason.UpstreamGarbage, false},
		{"/status", "all", reason.UpstreamGarbage, false},
		{"/switch", "all", reason.UpstreamGarbage, false},
		{"/big", "all", reason.UpstreamGarbage, false},
		{"/half", "all", reason.UpstreamIncomplete, true},
		{"/midreset", "all", reason.UpstreamIncomplete, true},
		{"/still", "restless", reason.UpstreamIncomplete, true},
		{"/chunk", "all", reason.UpstreamGarbage, true},
	}
	for _, test := range tests {
		t.Run(test.path[1:], func(t *testing.T) {
			t.Parallel()
			a := send(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "POST", r.url+test.path, "body")
			if !test.broken {
				r.saysSo(t, a, test.why, test.route, test.path)
			} else {
				// What broke off before it was sent off leaves the client with nothing, and that is an error, too.
				if a.err == nil || a.status != 0 && a.status != http.StatusOK {
					t.Errorf("%d %q, %v; want what there was of the answer, and an error", a.status, a.body, a.err)
				}
				if line := logged(t, r.access, test.path); line["reason"] != test.why.String() || line["fault"] != "backend" || line["result"] != "failed" {
					t.Errorf("the log says %v; want %s, the backend's fault", line, test.why)
				}
			}
			eventually(t, "triage_requests_total to count it as failed", func() bool {
				return metric(t, r.adminURL, "triage_requests_total", "route", test.route, "result", "failed") >= 1
			})
			if got := get(t, r.url+"/fine-"+test.path[1:]); got != "fine" {
				t.Errorf("the next request: %q", got)
			}
		})
	}
}

// Server errors with a whole answer are passed on as they are, and are the backend's.
func TestServerErrorsPass(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testServerErrorsPass)
}

func testServerErrorsPass(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Own", "yes")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "my own words")
	})
	r := start(t, conf("", app, everything))
	a := call(t, "GET", r.url+"/x")
	if a.status != http.StatusBadGateway || a.body != "my own words" || a.header.Get("X-Own") != "yes" || a.header.Get("Proxy-Status") != "" {
		t.Errorf("%d %q %v; want the backend's answer and nothing else", a.status, a.body, a.header)
	}
	if line := logged(t, r.access, "/x"); line["fault"] != "backend" || line["result"] != "failed" || line["reason"] != nil || line["upstream_status"] != 502.0 {
		t.Errorf("the log says %v; want failed by the backend, without a reason of ours", line)
	}
}

// Only what the backend did opens a breaker: a hundred clients that leave or send rubbish do not.
func TestClientsDoNotOpenABreaker(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testClientsDoNotOpenABreaker)
}

func testClientsDoNotOpenABreaker(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil || r.URL.Path != "/wait" {
			return
		}
		select {
		case <-r.Context().Done():
		case <-time.After(patience):
		}
	})
	r := start(t, conf("", app, everything))
	ways := []string{
		"POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
		"POST /short HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nnot a hundred",
		"POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
		"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n",
	}
	left := func() float64 {
		return metric(t, r.adminURL, "triage_requests_total", "route", "all", "result", "void")
	}
	// Who leaves before anybody has read its request was never there, which on a busy machine may be many.
	for i, deadline := 0, time.Now().Add(patience); i < 100 || i%100 > 0 || left() < 90 && time.Now().Before(deadline); i++ {
		w := dial(t, r.url)
		w.say("%s", ways[i%len(ways)])
		switch {
		case i%len(ways) == 0:
			_ = w.answer()
		case i%8 > 4:
			time.Sleep(2 * time.Millisecond)
			w.reset()
		default:
			time.Sleep(2 * time.Millisecond)
		}
		w.Close()
	}
	eventually(t, "all requests to be over", func() bool {
		s := statusOf(t, r.adminURL)
		return s.Routes[0].Shed.InFlight == 0 && s.Upstreams[0].Endpoints[0].InFlight == 0 && left() >= 90
	})
	s := statusOf(t, r.adminURL)
	if s.Routes[0].Breaker != "closed" || s.Upstreams[0].Endpoints[0].Breaker != "closed" {
		t.Errorf("breakers are %s and %s, want closed", s.Routes[0].Breaker, s.Upstreams[0].Endpoints[0].Breaker)
	}
	if got := metric(t, r.adminURL, "triage_requests_total", "result", "failed"); got != 0 {
		t.Errorf("%v requests count as failed; want all of them void", got)
	}
	get(t, r.url+"/fine")
}
