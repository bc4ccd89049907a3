package edge

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
)

// maxFields is how many header fields a request may have: what Go 1.27 has as its default.
const maxFields = 500

type transferKey struct{}

// wrap puts what every request needs around the handler.
func (l *Listener) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peerOf(r.Context()).busy()
		t := l.newTransfer(w, r, l.policy.Load())
		defer l.ended(r.Context())
		defer t.end()
		t.effort.owed(requestBytes)
		status := screen(r)
		if status == 0 && twofold(t.doubt.of(t.request)) {
			status = http.StatusBadRequest
		}
		if status != 0 {
			l.tally.refused.Add(1)
			refuse(t, status)
			t.finish()
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), transferKey{}, t))
		if t.body.inner != nil {
			r.Body = &t.body
		}
		plainTarget(r)
		if _, asked := r.Header["Upgrade"]; asked {
			tameUpgrade(r)
		}
		delete(r.Header, "Http2-Settings")
		if !r.ProtoAtLeast(1, 1) || l.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(t, r)
		t.finish()
	})
}

// screen gives the status to refuse a request with, 0 to let it pass.
func screen(r *http.Request) int {
	switch {
	case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
		return http.StatusMethodNotAllowed
	case r.Method == "PRI":
		return http.StatusHTTPVersionNotSupported
	case r.URL.Opaque != "":
		return http.StatusBadRequest
	case !countsHeaders && fields(r.Header) > maxFields:
		return http.StatusRequestHeaderFieldsTooLarge
	}
	return 0
}

func fields(h http.Header) int {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	return n
}

func refuse(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	w.WriteHeader(status)
	fmt.Fprintln(w, http.StatusText(status))
}

// plainTarget turns a target in absolute form into origin form. net/http has taken r.Host from it.
func plainTarget(r *http.Request) {
	if r.URL.Scheme == "" && r.URL.Host == "" && r.URL.User == nil {
		return
	}
	u := *r.URL
	u.Scheme, u.Host, u.User = "", "", nil
	r.URL = &u
}

// tameUpgrade leaves websocket of what the client would like to speak instead, or nothing.
func tameUpgrade(r *http.Request) {
	drop := []string{"upgrade", "http2-settings"}
	if r.ProtoMajor == 1 && r.ProtoMinor >= 1 && listed(r.Header["Upgrade"], "websocket") {
		r.Header["Upgrade"] = []string{"websocket"}
		drop = drop[1:]
	} else {
		delete(r.Header, "Upgrade")
	}
	var kept []string
	for option := range elements(r.Header["Connection"]) {
		if !listed(drop, option) {
			kept = append(kept, option)
		}
	}
	if len(kept) == 0 {
		delete(r.Header, "Connection")
		return
	}
	r.Header["Connection"] = []string{strings.Join(kept, ", ")}
}

// elements splits the lines of a list field (RFC 9110, section 5.6.1).
func elements(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for element := range strings.SplitSeq(line, ",") {
				if element = strings.Trim(element, " \t"); element != "" && !yield(element) {
					return
				}
			}
		}
	}
}

// hasElements reports whether a list field has any element.
func hasElements(lines []string) bool {
	for range elements(lines) {
		return true
	}
	return false
}

func listed(lines []string, want string) bool {
	for element := range elements(lines) {
		if strings.EqualFold(element, want) {
			return true
		}
	}
	return false
}
