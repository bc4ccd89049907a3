package main

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The time of every request is divided into stages that add up to all of it, in the log and in the metrics.
func TestStages(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testStages)
}

func testStages(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(30 * time.Millisecond)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(30 * time.Millisecond)
		_, _ = io.WriteString(w, "hello")
	})
	r := start(t, conf("", app, everything))
	asked, connects := 0, 0
	for kept := false; !kept; { // until a request finds a connection that another one has left
		path := fmt.Sprint("/", asked)
		get(t, r.url+path)
		line := logged(t, r.access, path)
		ms := func(field string) float64 { v, _ := line[field].(float64); return v }
		if sum := ms("edge_ms") + ms("queued_ms") + ms("first_byte_ms") + ms("body_ms"); math.Abs(sum-ms("total_ms")) > 0.01 {
			t.Errorf("%s: the stages make %v, want total_ms %v", path, sum, ms("total_ms"))
		}
		if ms("edge_ms") <= 0 || ms("first_byte_ms") < 30 || ms("body_ms") <= 0 || ms("connect_ms") > ms("first_byte_ms")-30 {
			t.Errorf("%s: edge %v, connect %v, first byte %v, body %v; want something, less than 30 of the first byte, 30 ms of that, and some body", path, ms("edge_ms"), ms("connect_ms"), ms("first_byte_ms"), ms("body_ms"))
		}
		if asked++; ms("connect_ms") > 0 {
			connects++
		} else {
			kept = true
		}
		if asked == 20 && !kept || kept && connects == 0 {
			t.Fatalf("%d of %d requests had to connect; want the first, and soon one that had not", connects, asked)
		}
	}
	for stage, want := range map[string]int{"edge": asked, "connect": connects, "body": asked} {
		series := fmt.Sprintf(`triage_stage_duration_seconds_count{route="all",stage="%s"} %d`, stage, want)
		if body := get(t, r.adminURL+"/metrics"); !strings.Contains(body, series+"\n") {
			t.Errorf("no %s in the metrics", series)
		}
	}
	// A connection that cannot be made shows where it failed.
	dead := start(t, conf("", "http://"+freeAddress(t), everything))
	call(t, "GET", dead.url+"/dead")
	if line := logged(t, dead.access, "/dead"); line["connect_ms"].(float64) <= 0 || line["reason"] != "connect_refused" {
		t.Errorf("a connection that is refused: %v; want connect_ms", line)
	}
}

// Server-Timing is for those who may see it and ask, beside what the backend says of itself.
func TestServerTiming(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testServerTiming)
}

func testServerTiming(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server-Timing", "db;dur=5")
	})
	routes := "  - {name: all, match: {path: /x}, upstream: app}\n"
	top := listening("trusted_proxies: [127.0.0.1]")
	open := start(t, conf(top+"\nserver_timing: [127.0.0.0/8, 10.1.0.0/16]", app, routes))
	shut := start(t, conf(top, app, routes))
	for _, test := range []struct {
		url, path string
		header    []string
		want      string
	}{
		{open.url, "/x", []string{"X-Triage-Timing: 1"}, `^db;dur=5, edge;dur=[0-9.]+, queue;dur=[0-9.]+, connect;dur=[0-9.]+, backend;dur=[0-9.]+$`},
		{open.url, "/none", []string{"X-Triage-Timing: 1"}, `^edge;dur=[0-9.]+, queue;dur=0$`},
		{open.url, "/x", []string{"X-Triage-Timing: 1", "X-Forwarded-For: 10.1.2.3"}, "edge;dur="},
		{open.url, "/x", nil, "^db;dur=5$"},
		{open.url, "/x", []string{"X-Triage-Timing: 1", "X-Forwarded-For: 203.0.113.7"}, "^db;dur=5$"},
		{open.url, "/x", []string{"X-Triage-Timing: 1", "X-Forwarded-For: 10.1.2.3, 203.0.113.7"}, "^db;dur=5$"},
		{shut.url, "/x", []string{"X-Triage-Timing: 1"}, "^db;dur=5$"},
	} {
		a := call(t, "GET", test.url+test.path, test.header...)
		if got := strings.Join(a.header.Values("Server-Timing"), ", "); !regexp.MustCompile(test.want).MatchString(got) {
			t.Errorf("%s with %q: Server-Timing %q, want %s", test.path, test.header, got, test.want)
		}
	}
}
