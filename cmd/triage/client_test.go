package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"triage/proxy/admin"
	"triage/proxy/reason"
)

// answer is a whole response.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
	// close is set when the server said that it closes the connection.
	close bool
}

// call sends one request on a connection of its own; the header is given as "Name: value".
func call(t *testing.T, method, target string, header ...string) answer {
	t.Helper()
	return send(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}, method, target, "", header...)
}

func send(t *testing.T, client *http.Client, method, target, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, ok := strings.Cut(h, ": ")
		if !ok {
			continue
		}
		if name == "Host" {
			r.Host = value
		}
		r.Header.Add(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text), err, response.Close}
}

// get wants a 200 and gives its body.
func get(t *testing.T, target string, header ...string) string {
	t.Helper()
	a := call(t, "GET", target, header...)
	if a.err != nil || a.status != http.StatusOK {
		t.Fatalf("GET %s: %d %q, %v; want 200", target, a.status, a.body, a.err)
	}
	return a.body
}

// seen is what an echoing backend got.
func (a answer) seen(t *testing.T) echoed {
	t.Helper()
	var e echoed
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Fatalf("status %d, body %q (%v): %v; want an echo", a.status, a.body, a.err, err)
	}
	return e
}

// wire is one raw connection with a deadline.
type wire struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

// dial opens a raw connection to the server of a URL.
func dial(t *testing.T, target string) *wire {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return newWire(t, c)
}

func newWire(t *testing.T, c net.Conn) *wire {
	_ = c.SetDeadline(time.Now().Add(patience))
	return &wire{c, t, bufio.NewReader(c)}
}

// say writes and does not mind a connection that is closed already: what is read tells.
func (w *wire) say(format string, args ...any) { fmt.Fprintf(w, format, args...) }

// header reads up to the empty line.
func (w *wire) header() string {
	var b strings.Builder
	for {
		line, err := w.r.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String()
		}
	}
}

// answer reads one response, however long the connection has lasted.
func (w *wire) answer() answer {
	w.t.Helper()
	_ = w.SetDeadline(time.Now().Add(patience))
	response, err := http.ReadResponse(w.r, nil)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body), err, response.Close}
}

// closed reports whether the other side ended the connection without another byte.
func (w *wire) closed() bool {
	rest, err := io.ReadAll(w.r)
	var network net.Error
	return len(rest) == 0 && !(errors.As(err, &network) && network.Timeout())
}

// reset closes with RST.
func (w *wire) reset() {
	_ = w.Conn.(*net.TCPConn).SetLinger(0)
	w.Close()
}

// rawBackend hands every connection to serve.
func rawBackend(t *testing.T, serve func(*wire)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			work.Go(func() {
				defer c.Close()
				serve(newWire(t, c))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		work.Wait()
	})
	return "http://" + l.Addr().String()
}

// metric sums the samples of a metric that have all the labels, given as name and value by turns.
func metric(t *testing.T, adminURL, name string, labels ...string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(get(t, adminURL+"/metrics")) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if len(labels) == 0 {
			series, value, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		if series != name && !strings.HasPrefix(series, name+"{") {
			continue
		}
		fits := true
		for i := 0; i+1 < len(labels); i += 2 {
			fits = fits && strings.Contains(series+",", fmt.Sprintf(`%s=%q,`, labels[i], labels[i+1]))
		}
		if fits {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatalf("metric line %q: %v", line, err)
			}
			sum += v
		}
	}
	return sum
}

// statusOf is what the admin API tells.
func statusOf(t *testing.T, adminURL string) admin.Status {
	t.Helper()
	var s admin.Status
	if err := json.Unmarshal([]byte(get(t, adminURL+"/api/v1/status")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// logged waits for the access log's line about a path.
func logged(t *testing.T, access *buffer, path string) map[string]any {
	t.Helper()
	var found map[string]any
	eventually(t, "the access log's line about "+path, func() bool {
		for _, line := range access.lines() {
			if line["msg"] == "request" && line["path"] == path {
				found = line
			}
		}
		return found != nil
	})
	return found
}

// loggedAs waits for the access log's line about the request with an id, where others have the same path.
func loggedAs(t *testing.T, access *buffer, id string) map[string]any {
	t.Helper()
	var found map[string]any
	eventually(t, "the access log's line about the request "+id, func() bool {
		for _, line := range access.lines() {
			if line["id"] == id {
				found = line
			}
		}
		return found != nil
	})
	return found
}

// whole gets a path on a connection of its own and waits for the end of that: then everybody who learns from the request knows of it.
func whole(t *testing.T, target, path string) answer {
	t.Helper()
	w := dial(t, target)
	w.say("GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path)
	a := w.answer()
	if a.err == nil && !w.closed() {
		t.Errorf("%s: the connection is not closed after the answer", path)
	}
	return a
}

// saysSo checks that a refusal says its reason with one word everywhere: body, Proxy-Status, access log, metric. The path must
// be one that was asked for once.
func (r *running) saysSo(t *testing.T, a answer, why reason.Reason, route, path string) {
	t.Helper()
	if a.err != nil || a.status != why.Status() {
		t.Errorf("%s: status %d, %v; want %d for %s (body %q)", path, a.status, a.err, why.Status(), why, a.body)
	}
	var problem struct{ Reason, Detail, Title, Type string }
	if err := json.Unmarshal([]byte(a.body), &problem); err != nil || problem.Reason != why.String() || problem.Detail == "" {
		t.Errorf("%s: body %q, want a problem with the reason %s", path, a.body, why)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: content type %q, want application/problem+json", path, got)
	}
	want := fmt.Sprintf(`triage;error=%s;details="%s"`, why.ProxyError(), why)
	if got := a.header.Get("Proxy-Status"); !strings.HasPrefix(got, want) {
		t.Errorf("%s: Proxy-Status %q, want %q", path, got, want)
	}
	r.recorded(t, why, route, path)
}

// recorded checks the reason's word in access log and metric.
func (r *running) recorded(t *testing.T, why reason.Reason, route, path string) {
	t.Helper()
	if line := logged(t, r.access, path); line["reason"] != why.String() || line["status"] != float64(why.Status()) {
		t.Errorf("%s: the access log says %v, %v; want %s, %d", path, line["reason"], line["status"], why, why.Status())
	}
	// Scrapes at the same time share one gathering, which may have begun before.
	eventually(t, fmt.Sprintf("triage_decisions_total of route %s and reason %s", route, why), func() bool {
		return metric(t, r.adminURL, "triage_decisions_total", "route", route, "reason", why.String()) >= 1
	})
}
