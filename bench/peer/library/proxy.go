package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"

	"triage/bench/peer/facts"
)

// keptConnections is how many idle connections to an endpoint are kept. The default, two, makes a new one for nearly every request.
const keptConnections = 1024

// transport is the standard library's, with connections that are kept.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, keptConnections
	return t
}

// forward is the reverse proxy to all endpoints in turn.
func forward(f facts.Facts, t http.RoundTripper) (*httputil.ReverseProxy, error) {
	var targets []*url.URL
	for _, endpoint := range f.Endpoints {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("endpoint %q: want a URL such as http://127.0.0.1:9000", endpoint)
		}
		targets = append(targets, u)
	}
	if len(targets) == 0 {
		return nil, errors.New("no endpoint: want at least one")
	}
	var turn atomic.Uint64
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(targets[turn.Add(1)%uint64(len(targets))])
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
		Transport: t, ErrorLog: log.New(io.Discard, "", 0), // clients that leave would fill it
	}, nil
}

// reverseProxy is nothing but that; each pool's true size, if it is known, bounds the connections that its routes may have.
func reverseProxy(_ context.Context, f facts.Facts) (http.Handler, error) {
	return byPool(f, func(p *facts.Pool) (http.Handler, error) {
		t := transport()
		if p != nil {
			t.MaxConnsPerHost = f.Share(*p)
		}
		return forward(f, t)
	})
}

// byPool has a handler of its own for each pool, and one for all routes that need none.
func byPool(f facts.Facts, each func(*facts.Pool) (http.Handler, error)) (http.Handler, error) {
	rest, err := each(nil)
	if err != nil || len(f.Pools) == 0 {
		return rest, err
	}
	of := map[string]http.Handler{}
	for _, p := range f.Pools {
		h, err := each(&p)
		if err != nil {
			return nil, err
		}
		for _, r := range f.Pooled(p) {
			of[r.Path] = h
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h, ok := of[r.URL.Path]; ok {
			h.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	}), nil
}
