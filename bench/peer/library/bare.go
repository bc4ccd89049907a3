package library

import (
	"io"
	"net/http"

	"triage/bench/peer/facts"
)

// bareProxy is the reverse proxy and nothing else: behind a mux with a pattern for each route, if there are any. What is below /refused/ it refuses.
func bareProxy(f facts.Facts) (http.Handler, error) {
	proxy, err := forward(f, transport())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/refused/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "too many requests\n") // who has gone has gone
	})
	for _, r := range f.Routes {
		mux.Handle(r.Path, proxy)
	}
	if len(f.Routes) == 0 {
		mux.Handle("/", proxy)
	}
	return mux, nil
}
