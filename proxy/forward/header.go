package forward

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// hopByHop reports whether a field concerns one connection only: RFC 9110, section 7.6.1, and what older clients send.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	}
	return false
}

// added reports whether a request field is one that proxies add, so that Connection cannot name it away.
func added(name string) bool {
	switch name {
	case "Host", "Forwarded", "Via", "Cdn-Loop", "X-Real-Ip", "X-Request-Id", "Traceparent", "Tracestate":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Triage-")
}

// outgoingHeader is the header of r without what stays on the client's hop. Values are shared: nobody changes them.
func outgoingHeader(r *http.Request, websocket bool) http.Header {
	named := namedByConnection(r.Header)
	// Room for User-Agent, Te and Connection beside what came.
	out := make(http.Header, len(r.Header)+3)
	for name, values := range r.Header {
		if hopByHop(name) || name == "Expect" || named[name] && !added(name) {
			continue
		}
		out[name] = values
	}
	switch {
	case websocket:
		out["Connection"], out["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	case hasToken(r.Header["Te"], "trailers"):
		// RFC 9110, section 10.1.4: who sends TE names it in Connection.
		out["Connection"], out["Te"] = []string{"TE"}, []string{"trailers"}
	}
	if _, ok := out["User-Agent"]; !ok {
		// Present without a value, or net/http writes its own name.
		out["User-Agent"] = nil
	}
	hideKeys(out)
	return out
}

// hideKeys writes the names of idempotency keys in lower case. Names are the same in either case to the endpoint, but the
// transport looks for these two and would send a POST twice on the client's word.
func hideKeys(h http.Header) {
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = values
		}
	}
}

// copyHeader adds the end-to-end fields of src to dst.
func copyHeader(dst, src http.Header) {
	named := namedByConnection(src)
	for name, values := range src {
		if hopByHop(name) || named[name] {
			continue
		}
		if prior, ok := dst[name]; ok {
			// Clipped, so that appending never writes into a slice that is somebody else's.
			values = append(prior[:len(prior):len(prior)], values...)
		}
		dst[name] = values
	}
}

// namedByConnection gives the canonical names in Connection, nil in the common case of none that matters.
func namedByConnection(h http.Header) map[string]bool {
	var named map[string]bool
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			token = textproto.TrimString(token)
			if token == "" || strings.EqualFold(token, "close") || strings.EqualFold(token, "keep-alive") {
				continue
			}
			if named == nil {
				named = make(map[string]bool)
			}
			named[http.CanonicalHeaderKey(token)] = true
		}
	}
	return named
}

// hasToken reports whether a list field has the token, in any case of letters.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(item), token) {
				return true
			}
		}
	}
	return false
}

// asksForWebsocket reports whether r is the opening handshake of RFC 6455, section 4.1, as far as a proxy must know.
// A list of protocols is none: what would be chosen from it is not known before the answer.
func asksForWebsocket(r *http.Request) bool {
	up := r.Header["Upgrade"]
	return len(up) == 1 && strings.EqualFold(textproto.TrimString(up[0]), "websocket") && hasToken(r.Header["Connection"], "upgrade") &&
		r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.ContentLength == 0
}

// endpointURL is the client's path and query at the endpoint.
func endpointURL(client, endpoint *url.URL) *url.URL {
	return &url.URL{
		Scheme: endpoint.Scheme, Host: endpoint.Host,
		Path: client.Path, RawPath: client.RawPath, RawQuery: client.RawQuery, ForceQuery: client.ForceQuery,
	}
}
