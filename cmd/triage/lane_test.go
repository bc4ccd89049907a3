package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// allPolicies is a configuration with everything on: fifty routes, a bucket for each client, breakers, the limit, metrics, a log to a file.
func allPolicies(t testing.TB, app string) string {
	var routes strings.Builder
	for i := range 50 {
		fmt.Fprintf(&routes, "  - {name: r%d, match: {path: /api/v%d/*}, upstream: app, priority: %s, session: {cookie: sid}, rate_limit: {rate: 1000000/s, burst: 1000000, per: client_ip}}\n",
			i, i, []string{"critical", "important", "normal", "sheddable"}[i%4])
	}
	return conf("access_log: {to: '"+filepath.Join(t.TempDir(), "access.log")+"'}", app, routes.String())
}

// cannedBackend answers every request of one write with the same bytes, without allocating.
func cannedBackend(t testing.TB, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf, reply := make([]byte, 16<<10), []byte(answer)
				for n := 0; ; {
					m, err := c.Read(buf[n:])
					if err != nil {
						return
					}
					if n += m; bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
						if n = 0; !wrote(c, reply) {
							return
						}
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func wrote(c net.Conn, p []byte) bool {
	_, err := c.Write(p)
	return err == nil
}

const (
	laneRequest = "GET /api/v7/products/42?ref=home HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0\r\nAccept: application/json\r\nAccept-Encoding: gzip, br\r\nAccept-Language: en\r\nCookie: a=b; sid=0123456789\r\n\r\n"
	laneAnswer  = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Wed, 25 Nov 2026 00:00:00 GMT\r\nContent-Length: 100\r\n\r\n"
)

// roundTrip gives a function that does one request on a kept connection, with each of some fields in turn.
func roundTrip(t testing.TB, url string, fields ...string) func() {
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if len(fields) == 0 {
		fields = []string{""}
	}
	var requests [][]byte
	for _, field := range fields {
		requests = append(requests, []byte(strings.TrimSuffix(laneRequest, "\r\n")+field+"\r\n"))
	}
	buf, next := make([]byte, 16<<10), 0
	return func() {
		next++
		if !wrote(c, requests[next%len(requests)]) {
			t.Fatal("the connection is closed")
		}
		for n := 0; n < len(laneAnswer)+100; {
			m, err := c.Read(buf[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
	}
}

// Who says nothing of lanes has the fast one, who says standard has not. A folded line is read by the standard lane alone.
func TestWhichLane(t *testing.T) {
	t.Setenv("TEST_LANE", "")
	app := cannedBackend(t, laneAnswer+strings.Repeat("x", 100))
	for listen, want := range map[string]string{
		"'127.0.0.1:0'": "400", "[{address: '127.0.0.1:0', lane: auto}]": "400", "[{address: '127.0.0.1:0', lane: fast}]": "400", "[{address: '127.0.0.1:0', lane: standard}]": "200",
	} {
		r := startWith(t, options{path: configFile(t, conf("listen: "+listen, app, everything))})
		c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nX-A: a\r\n b\r\n\r\n")
		status, _ := bufio.NewReader(c).ReadString('\n')
		if !strings.HasPrefix(status, "HTTP/1.1 "+want) {
			t.Errorf("listen: %s: got %q, want %s", listen, status, want)
		}
	}
}

// BenchmarkTracing is the fast lane's request again, by how much of it is traced.
func BenchmarkTracing(b *testing.B) {
	app := cannedBackend(b, laneAnswer+strings.Repeat("x", 100))
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	b.Cleanup(collector.Close)
	for _, sample := range []string{"off", "0%", "1%", "100%"} {
		b.Run(sample, func(b *testing.B) {
			config := allPolicies(b, app)
			if sample != "off" {
				config = fmt.Sprintf("tracing: {endpoint: %q, sample: %s}\n", collector.URL, sample) + config
			}
			request := roundTrip(b, startWith(b, options{path: configFile(b, config), lane: "fast"}).url)
			b.ReportAllocs()
			for b.Loop() {
				request()
			}
		})
	}
}

func BenchmarkLane(b *testing.B) {
	for _, lane := range []string{"standard", "fast"} {
		b.Run(lane, func(b *testing.B) {
			path := configFile(b, allPolicies(b, cannedBackend(b, laneAnswer+strings.Repeat("x", 100))))
			request := roundTrip(b, startWith(b, options{path: path, lane: lane}).url)
			b.ReportAllocs()
			for b.Loop() {
				request()
			}
		})
	}
}
