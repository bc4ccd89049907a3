package edge

import (
	"net/http"
	"strings"
)

// What a client may not say. A name that ends in "-" stands for all that begin with it.
var (
	// identityNames say who asked, over what, or for what instead. They are a trusted proxy's to say. X-Original-Url
	// and X-Rewrite-Url are among them because frameworks route by them, past the path that the class was taken from.
	identityNames = []string{
		"x-forwarded-", "x-forwarded", "forwarded", "forwarded-for", "x-original-forwarded-for",
		"x-real-ip", "x-client-ip", "x-cluster-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip",
		"x-original-host", "x-original-url", "x-rewrite-url", "x-host",
		"x-request-id", "x-envoy-",
	}
	// controlNames are ours to say to the backend and nobody's to say to us. Priority (RFC 9218) is not among them: it
	// is the client's, and orders nothing here. Proxy becomes the environment variable HTTP_PROXY in CGI (CVE-2016-5385).
	controlNames = []string{
		"x-triage-", "x-priority", "x-request-priority", "x-criticality", "x-request-criticality", "proxy",
	}
)

// initials are the first letters of all the names: most fields have another.
var initials = func() (set [256]bool) {
	for _, names := range [][]string{identityNames, controlNames, framingNames} {
		for _, name := range names {
			set[name[0]], set[name[0]-'a'+'A'] = true, true
		}
	}
	return set
}()

// framingNames say where a body ends, and of what it is. They have no twin here either, because CGI and WSGI make one variable of both.
var framingNames = []string{"content-length", "content-type", "transfer-encoding"}

// Sanitize removes from a request's header what the client has no right to say: identity and X-Request-Id unless the peer is trusted, words
// of control always. False: the request must be refused, because a field is the twin of one that counts: with underscores for
// hyphens, which CGI and WSGI cannot tell from it and which proxies in front of us let through. decisive are more names that count, in
// lower case.
func Sanitize(h http.Header, c Client, decisive []string) bool {
	for name := range h {
		switch judge(name, c.Trusted, decisive) {
		case dropped:
			delete(h, name)
		case twin:
			return false
		}
	}
	return true
}

// What becomes of a field.
const (
	kept uint8 = iota
	dropped
	twin
)

func judge(name string, trusted bool, decisive []string) uint8 {
	counts := name != "" && initials[name[0]]
	if strings.IndexByte(name, '_') >= 0 {
		if counts && (matches(name, controlNames) || matches(name, identityNames) || matches(name, framingNames)) || matches(name, decisive) {
			return twin
		}
		return kept
	}
	if counts && (matches(name, controlNames) || !trusted && matches(name, identityNames)) {
		return dropped
	}
	return kept
}

func matches(name string, list []string) bool {
	for _, entry := range list {
		if len(name) < len(entry) || len(name) > len(entry) && entry[len(entry)-1] != '-' {
			continue
		}
		if sameName(name[:len(entry)], entry) {
			return true
		}
	}
	return false
}

// sameName compares a field name with one in lower case; an underscore is a hyphen.
func sameName(name, lower string) bool {
	for i := range len(lower) {
		c := name[i]
		switch {
		case c == '_':
			c = '-'
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
