package edge_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"triage/proxy/edge"
)

// BenchmarkRequest is one small request on a kept connection, next to net/http without anything around it.
func BenchmarkRequest(b *testing.B) {
	requests := map[string]string{
		"get":  "GET /a/b HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
		"post": "POST /a/b HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nContent-Length: 5\r\n\r\nhello",
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "hello")
	}
	for name, request := range requests {
		b.Run(name+"/edge", func(b *testing.B) {
			l, err := edge.Listen(edge.Settings{Address: "127.0.0.1:0", TrustedProxies: loopback})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			go l.Serve(http.HandlerFunc(answer), slog.New(slog.DiscardHandler))
			loop(b, l.Addr(), request)
		})
		b.Run(name+"/bare", func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			srv := &http.Server{Handler: http.HandlerFunc(answer)}
			defer srv.Close()
			go srv.Serve(ln)
			loop(b, ln.Addr(), request)
		})
	}
}

func loop(b *testing.B, addr net.Addr, request string) {
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(c, request); err != nil {
			b.Fatal(err)
		}
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := r.Discard(len("hello")); err != nil {
			b.Fatal(err)
		}
	}
}
