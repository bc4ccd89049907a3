package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// harden sets what keeps browsers from doing more with an answer than show it.
func harden(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// allowed checks and gathers the names by which the API may be called.
func allowed(hosts []string) (map[string]bool, error) {
	all := map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}
	for _, h := range hosts {
		if h == "" || strings.ContainsAny(h, "/ *") || hasPort(h) {
			return nil, fmt.Errorf("%q is not a host name; want a name or an address without scheme, port and wildcard", h)
		}
		all[canonical(h)] = true
	}
	return all, nil
}

func hasPort(host string) bool {
	_, _, err := net.SplitHostPort(host)
	return err == nil
}

// hostAllowed reports whether the request was meant for this API. A page that rebinds its own name to this machine's
// address still sends its own name. On a unix socket there is no browser, and the name means nothing.
func (a *Admin) hostAllowed(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local != nil && local.Network() == "unix" {
		return true
	}
	host := canonical(withoutPort(r.Host))
	if a.hosts[host] {
		return true
	}
	// The address the connection came in at, as kubelets and scrapers use it.
	tcp, ok := local.(*net.TCPAddr)
	if !ok {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap() == tcp.AddrPort().Addr().Unmap().WithZone("")
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// canonical brings a name to the form in which names are compared.
func canonical(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// maxBody is far more than any request of this API needs, in bytes.
const maxBody = 64 << 10

// readBody takes in a request's body, so that what comes next has all of it and cannot be held up by it, and refuses one that is too large
// or too slow.
func readBody(w http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		r.Body = io.NopCloser(bytes.NewReader(body))
		return true
	case errors.As(err, &tooLarge):
		problem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody))
	case errors.Is(err, os.ErrDeadlineExceeded):
		problem(w, http.StatusRequestTimeout, "the body did not come in time")
	default:
		problem(w, http.StatusBadRequest, "the body could not be read")
	}
	return false
}

func methodNotAllowed(w http.ResponseWriter, methods map[string]endpoint) {
	allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	w.Header().Set("Allow", allow)
	problem(w, http.StatusMethodNotAllowed, "want "+allow)
}
