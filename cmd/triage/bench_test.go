package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"triage/config"
)

// BenchmarkWay is one request on a kept connection through the whole way, every gate included, to a backend that answers at once:
// client, proxy and backend share the cores. BenchmarkNoProxy is the same without Triage: the difference is what it costs.
func BenchmarkWay(b *testing.B) {
	for _, lane := range benchLanes {
		b.Run(lane, func(b *testing.B) { ask(b, benchTriage(b, lane, "100000000/s"), http.StatusOK) })
	}
}

// BenchmarkWayRefused is one request that its quota refuses.
func BenchmarkWayRefused(b *testing.B) {
	for _, lane := range benchLanes {
		b.Run(lane, func(b *testing.B) { ask(b, benchTriage(b, lane, "1/h"), http.StatusTooManyRequests) })
	}
}

var benchLanes = []string{"standard", "fast"}

// benchTriage starts Triage with everything on but the access log, with a quota for each client.
func benchTriage(b *testing.B, lane, rate string) (address string) {
	backend := benchBackend(b)
	s, err := newServer(options{
		path: "bench", stdout: io.Discard, logger: slog.New(slog.DiscardHandler),
		source: func() (*config.Loaded, error) {
			return config.Parse("bench", fmt.Appendf(nil, `
listen: [{address: 127.0.0.1:0, lane: %s}]
admin: 127.0.0.1:0
access_log: {to: "off"}
upstreams: {app: {endpoints: ["http://%s"]}}
routes: [{name: all, upstream: app, priority: critical, rate_limit: {rate: %s, per: client_ip}}]
`, lane, backend, rate))
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b.Cleanup(func() { stop(); <-done })
	return s.addresses()[0]
}

func BenchmarkNoProxy(b *testing.B) { ask(b, benchBackend(b), http.StatusOK) }

func benchBackend(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello world") })}
	go server.Serve(l)
	b.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

// ask sends one request after the other over one raw connection, so that the client costs next to nothing. The first ones, which a quota lets
// through and which open connections, do not count.
func ask(b *testing.B, address string, want int) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	request := []byte("GET /x HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	r := bufio.NewReader(c)
	one := func() int {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		status, err := readAnswer(r)
		if err != nil {
			b.Fatal(err)
		}
		return status
	}
	for range 3 {
		one()
	}
	b.ReportAllocs()
	for b.Loop() {
		if status := one(); status != want {
			b.Fatalf("status %d, want %d", status, want)
		}
	}
}

// readAnswer reads an answer with a length without allocating: what is counted is not the client's.
func readAnswer(r *bufio.Reader) (status int, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		switch {
		case err != nil:
			return 0, err
		case first && len(line) > 12:
			status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
		case len(line) == 2:
			_, err := r.Discard(length)
			return status, err
		case len(line) > 16 && bytes.EqualFold(line[:16], []byte("Content-Length: ")):
			for _, digit := range bytes.TrimSpace(line[16:]) {
				length = 10*length + int(digit-'0')
			}
		}
	}
}
