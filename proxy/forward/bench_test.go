package forward_test

import (
	"bytes"
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
// a transport with enough idle connections). The origin is in the process, so a part of every number is its own.
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
	idle := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 512}
	defer idle.CloseIdleConnections()
	rewrite := func(r *httputil.ProxyRequest) { r.SetURL(u) }
	pool := &buffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}}
	proxies := []struct {
		name    string
		handler http.Handler
	}{
		{"forward", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.Forward(w, r, forward.Target{URL: u, Timeout: 15 * time.Second})
		})},
		{"httputil", &httputil.ReverseProxy{Rewrite: rewrite, Transport: idle}},
		{"httputil+pool", &httputil.ReverseProxy{Rewrite: rewrite, Transport: idle, BufferPool: pool}},
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
				b.SetBytes(request.size)
				b.ReportAllocs()
				for b.Loop() {
					r := httptest.NewRequest(request.method, request.path, bytes.NewReader(request.body))
					r.Header.Set("User-Agent", "bench")
					w := &sink{header: make(http.Header)}
					proxy.handler.ServeHTTP(w, r)
					if w.n != request.size && request.body == nil {
						b.Fatalf("%d bytes, want %d", w.n, request.size)
					}
				}
			})
		}
	}
}

// sink is a writer that counts.
type sink struct {
	header http.Header
	n      int64
}

func (w *sink) Header() http.Header         { return w.header }
func (w *sink) WriteHeader(int)             {}
func (w *sink) Flush()                      {}
func (w *sink) Write(p []byte) (int, error) { w.n += int64(len(p)); return len(p), nil }

type buffers struct{ sync.Pool }

func (b *buffers) Get() []byte  { return b.Pool.Get().(*[32 << 10]byte)[:] }
func (b *buffers) Put(p []byte) { b.Pool.Put((*[32 << 10]byte)(p)) }
