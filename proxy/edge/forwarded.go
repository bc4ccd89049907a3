package edge

import (
	"net"
	"net/http"
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
	peer := "unknown"
	if c.Peer.IsValid() {
		peer = c.Peer.String()
	}
	values := []string{peer, forwarded(h["Forwarded"], c, peer, before != ""), port(h["X-Forwarded-Port"], c), c.Scheme, c.Host, via(h["Via"], pseudonym, proto)}
	if before != "" {
		values[0] = before + ", " + peer
	}
	for i, name := range [...]string{"X-Forwarded-For", "Forwarded", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Host", "Via"} {
		h[name] = values[i : i+1 : i+1]
	}
}

func via(lines []string, pseudonym, proto string) string {
	hop := strings.TrimPrefix(proto, "HTTP/") + " " + pseudonym
	if len(lines) == 0 {
		return hop
	}
	return strings.Join(lines, ", ") + ", " + hop
}

// forwarded is what was said and one element for this hop. When a trusted peer speaks X-Forwarded-For only, the client
// gets an element too: a backend that prefers Forwarded must not take the peer for the client.
func forwarded(said []string, c Client, peer string, hearsay bool) string {
	var b strings.Builder
	b.Grow(len("for=;host=;proto=https") + len(peer) + len(c.Host) + 8)
	switch {
	case c.Trusted && len(said) > 0:
		b.WriteString(strings.Join(said, ", "))
		b.WriteString(", ")
	case hearsay && c.Addr != c.Peer:
		element(&b, c.Addr.String(), c)
		b.WriteString(", ")
	}
	element(&b, peer, c)
	return b.String()
}

// element writes one element; an IPv6 address stands in brackets and quotes (RFC 7239, section 6).
func element(b *strings.Builder, from string, c Client) {
	b.WriteString("for=")
	if strings.IndexByte(from, ':') < 0 {
		b.WriteString(from)
	} else {
		b.WriteString(`"[`)
		b.WriteString(from)
		b.WriteString(`]"`)
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
	if strings.IndexByte(c.Host, ':') >= 0 {
		if _, p, err := net.SplitHostPort(c.Host); err == nil && isPort(p) {
			return p
		}
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
