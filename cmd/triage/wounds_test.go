package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// What has hurt others (docs/scenarios.md) and shows only in the whole: streams, and proxies behind proxies.

// While streams and websockets last they hold no slot: their life is neither concurrency nor latency to the law (envoy#42243).
func TestStreamsHoldNoSlot(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testStreamsHoldNoSlot)
}

func testStreamsHoldNoSlot(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ws" {
			websocket(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
		w.(http.Flusher).Flush()
		<-end
	})
	defer close(end)
	r := start(t, conf("", app, everything))
	const each = 10
	for range each {
		w := dial(t, r.url)
		w.say("GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
		w.header()
		upgrade(t, r.url)
	}
	eventually(t, "the slots to come back", func() bool { return statusOf(t, r.adminURL).Routes[0].Shed.InFlight == 0 })
	if got := statusOf(t, r.adminURL).Upstreams[0].Endpoints[0].InFlight; got != 2*each {
		t.Errorf("%d exchanges with the endpoint, want %d: the streams have ended and the test shows nothing", got, 2*each)
	}
}

// A 503 by which a proxy further down says that it sheds opens no breaker: the backend is busy, not broken. Any other 503 does.
func TestSheddingBelowOpensNoBreaker(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testSheddingBelowOpensNoBreaker)
}

func testSheddingBelowOpensNoBreaker(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"Admission-Control: true", "X-Envoy-Overloaded: true", "Proxy-Status: below; error=connection_limit_reached", ""} {
		name := mark
		if name == "" {
			name = "plain"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := backend(t, func(w http.ResponseWriter, _ *http.Request) {
				if mark, value, ok := strings.Cut(mark, ": "); ok {
					w.Header().Set(mark, value)
				}
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			r := start(t, conf("", app, everything))
			for range 60 {
				call(t, "GET", r.url+"/x")
			}
			route := statusOf(t, r.adminURL).Routes[0]
			if marked := mark != ""; marked != (route.Breaker == "closed") {
				t.Errorf("after sixty answers the breaker is %s; want it closed if, and only if, the answers say who shed", route.Breaker)
			}
		})
	}
}
