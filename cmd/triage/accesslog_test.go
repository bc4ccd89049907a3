package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAccessLogFields(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testAccessLogFields)
}

func testAccessLogFields(t *testing.T) {
	t.Parallel()
	r := start(t, conf("", backend(t, echo), "  - {name: checkout, match: {path: /checkout/*}, upstream: app, priority: critical}\n"))
	upstream := strings.TrimPrefix(r.loaded.File.Upstreams["app"].Endpoints[0].URL, "")
	a := send(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "POST", r.url+"/checkout/a%20b?secret=1", "hello", "Host: shop.example", `User-Agent: "quotes" and more`)
	if a.status != http.StatusOK {
		t.Fatal(a)
	}
	line := logged(t, r.access, "/checkout/a%20b")
	for name, want := range map[string]any{
		"msg": "request", "level": "INFO", "method": "POST", "host": "shop.example", "path": "/checkout/a%20b", "proto": "HTTP/1.1", "client": "127.0.0.1",
		"route": "checkout", "priority": "critical", "upstream": "app", "endpoint": upstream, "status": 200.0, "upstream_status": 200.0, "result": "served",
		"fault": "none", "bytes_in": 5.0, "bytes_out": float64(len(a.body)), "upgraded": false, "id": a.seen(t).Header.Get("X-Request-Id"),
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	for _, name := range []string{"queued_ms", "first_byte_ms", "total_ms"} {
		if ms, ok := line[name].(float64); !ok || ms < 0 || ms > 20_000 {
			t.Errorf("%s is %v, want milliseconds", name, line[name])
		}
	}
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(line["time"])); err != nil || time.Since(at) > time.Minute {
		t.Errorf("time %v (%v)", line["time"], err)
	}
	if strings.Contains(r.access.String(), "secret") || line["reason"] != nil {
		t.Errorf("the line has the query, or a reason for a plain answer: %v", line)
	}
}

// Every request has one line; of refusals only some have, and the sum of those and the summaries is all of them.
func TestAccessLogLeavesRefusalsOut(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testAccessLogLeavesRefusalsOut)
}

func testAccessLogLeavesRefusalsOut(t *testing.T) {
	t.Parallel()
	r := start(t, conf("access_log: {refusals: 5/s}", backend(t, echo), "  - {name: few, upstream: app, rate_limit: {rate: 1/h, burst: 20}}\n"))
	client := &http.Client{}
	for range 120 {
		send(t, client, "GET", r.url+"/x", "")
	}
	var served, refused, leftOut, byReason float64
	eventually(t, "the summary", func() bool {
		served, refused, leftOut, byReason = 0, 0, 0, 0
		for _, line := range r.access.lines() {
			switch {
			case line["msg"] == "refusals":
				n, _ := line["left_out"].(float64)
				leftOut += n
				reasons, _ := line["reasons"].(map[string]any)
				n, _ = reasons["quota"].(float64)
				byReason += n
			case line["result"] == "refused":
				refused++
			case line["result"] == "served":
				served++
			}
		}
		return served+refused+leftOut >= 120
	})
	if served != 20 || refused+leftOut != 100 || refused < 1 || refused > 50 || leftOut != byReason {
		t.Errorf("%v lines of served, %v of refused, %v left out (%v for quota); want 20, a few, and 100 with those left out", served, refused, leftOut, byReason)
	}
	if got := metric(t, r.adminURL, "triage_log_sampled_out_total"); got != leftOut {
		t.Errorf("triage_log_sampled_out_total is %v, the summaries say %v", got, leftOut)
	}
}

// A log that was moved away is let go at a reload, and a new one begun. Nothing is lost on the way.
func TestAccessLogRotation(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testAccessLogRotation)
}

func testAccessLogRotation(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, old := filepath.Join(folder, "access.log"), filepath.Join(folder, "access.log.1")
	r := start(t, conf("access_log: {to: "+path+"}", backend(t, echo), everything))
	contains := func(file, what string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(file)
			return strings.Contains(string(text), `"path":"`+what+`"`)
		}
	}
	get(t, r.url+"/one")
	eventually(t, "the first line", contains(path, "/one"))
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	get(t, r.url+"/two")
	eventually(t, "the line in the file that was moved", contains(old, "/two"))
	if err := r.reload("test"); err != nil {
		t.Fatal(err)
	}
	get(t, r.url+"/three")
	eventually(t, "the line in the new file", contains(path, "/three"))
	if contains(old, "/three")() || contains(path, "/two")() {
		t.Errorf("lines are in both files")
	}
	get(t, r.url+"/last")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if !contains(path, "/last")() {
		t.Errorf("the last line was not written before the end")
	}
}

// A full disk costs lines, which are counted and complained about, and no request.
func TestAccessLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testAccessLogOnAFullDisk)
}

func testAccessLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		return // not a Linux: there is no such disk here
	}
	r := start(t, conf("access_log: {to: /dev/full, buffer: 10}", backend(t, echo), everything))
	client := &http.Client{}
	for i := range 300 {
		if a := send(t, client, "GET", r.url+"/x", ""); a.status != http.StatusOK {
			t.Fatalf("%d %q, %v; want 200", a.status, a.body, a.err)
		}
		if i == 0 { // before the buffer is full, of which the only complaint of this minute would be
			eventually(t, "the disk to be full", func() bool { return metric(t, r.adminURL, "triage_log_dropped_total") == 1 })
		}
	}
	eventually(t, "the lost lines to be counted", func() bool { return metric(t, r.adminURL, "triage_log_dropped_total") == 300 })
	eventually(t, "a complaint", func() bool {
		return strings.Contains(r.log.String(), "access log lines lost") && strings.Contains(r.log.String(), "no space left on device")
	})
	if got := metric(t, r.adminURL, "triage_requests_total", "route", "all", "result", "served"); got != 300 {
		t.Errorf("triage_requests_total is %v, want 300", got)
	}
}
