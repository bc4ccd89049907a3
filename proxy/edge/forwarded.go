package edge

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Forwarded tells the backend who asks: X-Forwarded-For, -Proto, -Host, -Port, Forwarded (RFC 7239), and Via (RFC 9110,
// section 7.6.3). What a trusted peer said is continued, anything else is replaced. The header must have been through
// Sanitize. pseudonym is this proxy's name, proto the request's protocol as in http.Request.Proto.
func Forwarded(h http.Header, c Client, pseudonym, proto string) {
	before := ""
	if c.Trusted {
		before = strings.Join(elements(h["X-Forwarded-For"]), ", ")
	}
	setForwarded(h, c, before != "")
	peer := "unknown"
	if c.Peer.IsValid() {
		peer = c.Peer.String()
	}
	if before != "" {
		peer = before + ", " + peer
	}
	h["X-Forwarded-For"] = []string{peer}
	h["X-Forwarded-Port"] = []string{port(h["X-Forwarded-Port"], c)}
	h["X-Forwarded-Proto"] = []string{c.Scheme}
	h["X-Forwarded-Host"] = []string{c.Host}

	via := strings.TrimPrefix(proto, "HTTP/") + " " + pseudonym
	if lines := h["Via"]; len(lines) > 0 {
		via = strings.Join(lines, ", ") + ", " + via
	}
	h["Via"] = []string{via}
}

// setForwarded writes one element for this hop. When a trusted peer speaks X-Forwarded-For only, the client gets an
// element too: a backend that prefers Forwarded must not take the peer for the client.
func setForwarded(h http.Header, c Client, hearsay bool) {
	var b strings.Builder
	said := h["Forwarded"]
	switch {
	case c.Trusted && len(said) > 0:
		b.WriteString(strings.Join(said, ", "))
		b.WriteString(", ")
	case hearsay && c.Addr != c.Peer:
		element(&b, c.Addr, c)
		b.WriteString(", ")
	}
	element(&b, c.Peer, c)
	h["Forwarded"] = []string{b.String()}
}

func element(b *strings.Builder, from netip.Addr, c Client) {
	b.WriteString("for=")
	switch {
	case !from.IsValid():
		b.WriteString("unknown")
	case from.Is4():
		b.WriteString(from.String())
	default:
		b.WriteString(`"[` + from.String() + `]"`)
	}
	if c.Host != "" {
		b.WriteString(";host=")
		b.WriteString(quoted(c.Host))
	}
	b.WriteString(";proto=")
	b.WriteString(c.Scheme)
}

// quoted gives a value as a token if it is one, else as a quoted string (RFC 9110, section 5.6.4).
func quoted(s string) string {
	token := true
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-._~", c) < 0 {
			token = false
		}
	}
	if token {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// port is the port that the client asked for: what a trusted peer says, what the host says, or the scheme's.
func port(said []string, c Client) string {
	if c.Trusted {
		if p := last(said); isPort(p) {
			return p
		}
	}
	if _, p, err := net.SplitHostPort(c.Host); err == nil && isPort(p) {
		return p
	}
	if c.Scheme == "https" {
		return "443"
	}
	return "80"
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
