package cost

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// Bare is Go's own proxy as a peer.
type Bare struct {
	// Listen and To are host:port of itself and of its backend.
	Listen, To string
	// Routes is how many patterns its mux has; 0: no mux.
	Routes int
}

// Run serves until ctx is done.
func (b Bare) Run(ctx context.Context) error {
	server := &http.Server{Handler: b.handler()} // first: a mux of ten thousand patterns takes a while, and who listens is measured
	listener, err := net.Listen("tcp", b.Listen)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

func (b Bare) handler() http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 1024 // two by default: every other request would open a connection
	to := &url.URL{Scheme: "http", Host: b.To}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: transport}
	mux := http.NewServeMux()
	mux.HandleFunc("/refused/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "too many requests\n") // who has gone has gone
	})
	for _, name := range routeNames(b.Routes) {
		mux.Handle("/"+name+"/", proxy)
	}
	if b.Routes == 0 {
		mux.Handle("/", proxy)
	}
	return mux
}
