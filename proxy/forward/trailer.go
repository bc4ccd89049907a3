package forward

import (
	"net/http"
	"slices"
	"strings"
)

// trailable reports whether a field may come after the body. RFC 9110, section 6.5.1: nothing that frames, routes or
// authenticates. What the proxy vouches for is out too, because some endpoints merge trailers into the header.
func trailable(name string) bool {
	switch name {
	case "Content-Length", "Content-Encoding", "Content-Type", "Content-Range", "Expect", "Authorization", "Cookie", "Set-Cookie",
		"Cache-Control", "Max-Forwards", "Range", "Idempotency-Key", "Www-Authenticate":
		return false
	}
	return !hopByHop(name) && !added(name) && token(name)
}

// token reports whether name is a token (RFC 9110, section 5.6.2). net/http does not look at the names in Trailer.
func token(name string) bool {
	for _, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return name != ""
}

// announcedTrailer gives the trailers that the client announced, without values as yet. It is never nil: what was not
// announced is put in later.
func announcedTrailer(t http.Header) http.Header {
	names := make(http.Header, len(t))
	for name := range t {
		if trailable(name) {
			names[name] = nil
		}
	}
	return names
}

// endToEndTrailer gives what may pass of trailers that have arrived.
func endToEndTrailer(t http.Header) http.Header {
	passing := make(http.Header, len(t))
	for name, values := range t {
		if trailable(name) && len(values) > 0 {
			passing[name] = values
		}
	}
	return passing
}

// announceTrailer names the trailers to come in the response header.
func announceTrailer(h, trailer http.Header) {
	if len(trailer) == 0 {
		return
	}
	names := make([]string, 0, len(trailer))
	for name := range trailer {
		if trailable(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	h["Trailer"] = []string{strings.Join(names, ", ")}
}

// sendTrailer hands the trailers of a complete body to net/http, which tells announced ones from others by a prefix.
func sendTrailer(h, trailer http.Header) {
	for name, values := range endToEndTrailer(trailer) {
		if !hasToken(h["Trailer"], name) {
			name = http.TrailerPrefix + name
		}
		h[name] = values
	}
}
