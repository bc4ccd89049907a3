package main

import (
	"bufio"
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
	backend := benchBackend(b)
	s, err := newServer(options{
		path: "bench", stdout: io.Discard, logger: slog.New(slog.DiscardHandler),
		source: func() (*config.Loaded, error) {
			return config.Parse("bench", fmt.Appendf(nil, `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
access_log: {to: "off"}
upstreams: {app: {endpoints: ["http://%s"]}}
routes: [{name: all, upstream: app, priority: critical, rate_limit: {rate: 100000000/s, per: client_ip}}]
`, backend))
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() { stop(); <-done }()
	ask(b, s.addresses()[0])
}

func BenchmarkNoProxy(b *testing.B) { ask(b, benchBackend(b)) }

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

// ask sends one request after the other over one raw connection, so that the client costs next to nothing.
func ask(b *testing.B, address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	request := []byte("GET /x HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	r := bufio.NewReader(c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
			b.Fatal(response.StatusCode, err)
		}
		response.Body.Close()
	}
}
