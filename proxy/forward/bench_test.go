package forward_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync"
	"testing"
	"time"

	"triage/proxy/forward"
)

// BenchmarkForward compares with httputil.ReverseProxy, bare and with what it needs to be compared fairly (a buffer pool and
// a transport with enough idle connections). Both sides of the loopback are in the process, so a good part is theirs.
func BenchmarkForward(b *testing.B) {
	large := bytes.Repeat([]byte("x"), 1<<20)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Write(large)
			return
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "a small answer of fifty bytes, more or less it is.")
	}))
	defer origin.Close()
	u := parseURL(b, origin.URL)
	f, err := forward.New(forward.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	proxies := []struct {
		name    string
		handler http.Handler
	}{
		{"forward", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// As in production: every exchange has a timeout.
			f.Forward(w, r, forward.Target{URL: u, Timeout: 15 * time.Second})
		})},
		{"httputil bare", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}},
		{"httputil tuned", tuned(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }})},
	}
	requests := []struct {
		name, method, path string
		body               []byte
		size               int64
	}{
		{"get 50 B", "GET", "/", nil, 50},
		{"get 1 MiB", "GET", "/large", nil, 1 << 20},
		{"post 1 KiB", "POST", "/", large[:1024], 1024},
	}
	for _, request := range requests {
		for _, proxy := range proxies {
			b.Run(request.name+"/"+proxy.name, func(b *testing.B) {
				server := httptest.NewServer(proxy.handler)
				defer server.Close()
				b.SetBytes(request.size)
				b.ReportAllocs()
				for b.Loop() {
					req, _ := http.NewRequestWithContext(context.Background(), request.method, server.URL+request.path, bytes.NewReader(request.body))
					res, err := server.Client().Do(req)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, res.Body); err != nil {
						b.Fatal(err)
					}
					res.Body.Close()
				}
			})
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func tuned(p *httputil.ReverseProxy) *httputil.ReverseProxy {
	p.Transport = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 512}
	p.BufferPool = &buffers{sync.Pool{New: func() any { return make([]byte, 32<<10) }}}
	return p
}

type buffers struct{ sync.Pool }

func (b *buffers) Get() []byte  { return b.Pool.Get().([]byte) }
func (b *buffers) Put(p []byte) { b.Pool.Put(p) } //nolint:staticcheck // SA6002 is what is compared with.
