package edge

import (
	"bytes"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"triage/proxy/http1"
)

// hop is the fields by which a proxy tells who asks.
var hop = [...]struct {
	name  string
	value func(s station, dst []byte) []byte
}{
	{"X-Forwarded-For", station.xForwardedFor},
	{"Forwarded", station.forwarded},
	{"X-Forwarded-Port", func(s station, dst []byte) []byte { return append(dst, s.port()...) }},
	{"X-Forwarded-Proto", func(s station, dst []byte) []byte { return append(dst, s.client.Scheme...) }},
	{"X-Forwarded-Host", func(s station, dst []byte) []byte { return append(dst, s.client.Host...) }},
	{"Via", station.via},
}

// station is this proxy on a request's way: what the fields are made from.
type station struct {
	fields           Fields
	client           Client
	pseudonym, proto string
}

// Forwarded tells the backend who asks: X-Forwarded-For, -Proto, -Host, -Port, Forwarded (RFC 7239), and Via (RFC 9110,
// section 7.6.3). What a trusted peer said is continued, anything else is replaced. The header must have been through
// Sanitize. pseudonym is this proxy's name, proto the request's protocol as in http.Request.Proto.
func Forwarded(h http.Header, c Client, pseudonym, proto string) {
	s := station{h, c, pseudonym, proto}
	var space [512]byte
	text, ends := space[:0], [len(hop)]int{}
	for i, f := range hop {
		text = f.value(s, text)
		ends[i] = len(text)
	}
	all, begin := string(text), 0
	values := make([]string, len(hop))
	for i, f := range hop {
		values[i], begin = all[begin:ends[i]], ends[i]
		h[f.name] = values[i : i+1 : i+1]
	}
}

// appendForwarded is the same for the fast lane: it writes the fields as they go on the wire and drops what they replace.
func appendForwarded(dst []byte, h *http1.Fields, c Client, pseudonym string) []byte {
	s := station{h, c, pseudonym, "HTTP/1.1"}
	for _, f := range hop {
		dst = append(append(dst, f.name...), ": "...)
		dst = append(f.value(s, dst), "\r\n"...)
	}
	for _, f := range hop {
		h.DropNamed(f.name)
	}
	return dst
}

// said is whether a trusted peer has said by X-Forwarded-For for whom it asks.
func (s station) said() bool {
	return s.client.Trusted && hasElements(s.fields.Values("X-Forwarded-For"))
}

func (s station) xForwardedFor(dst []byte) []byte {
	if s.client.Trusted {
		for address := range elements(s.fields.Values("X-Forwarded-For")) {
			dst = append(append(dst, address...), ", "...)
		}
	}
	return s.peer(dst)
}

func (s station) peer(dst []byte) []byte {
	if !s.client.Peer.IsValid() {
		return append(dst, "unknown"...)
	}
	return s.client.Peer.AppendTo(dst)
}

func (s station) via(dst []byte) []byte {
	for _, line := range s.fields.Values("Via") {
		dst = append(append(dst, line...), ", "...)
	}
	dst = append(append(dst, strings.TrimPrefix(s.proto, "HTTP/")...), ' ')
	return append(dst, s.pseudonym...)
}

// forwarded is what was said and one element for this hop. When a trusted peer speaks X-Forwarded-For only, the client
// gets an element too: a backend that prefers Forwarded must not take the peer for the client.
func (s station) forwarded(dst []byte) []byte {
	c := s.client
	said := s.fields.Values("Forwarded")
	switch {
	case c.Trusted && len(said) > 0:
		for _, line := range said {
			dst = append(append(dst, line...), ", "...)
		}
	case c.Addr != c.Peer && s.said():
		dst = s.element(dst, c.Addr.AppendTo)
		dst = append(dst, ", "...)
	}
	return s.element(dst, s.peer)
}

// element writes one element; an IPv6 address stands in brackets and quotes (RFC 7239, section 6).
func (s station) element(dst []byte, from func([]byte) []byte) []byte {
	dst = append(dst, "for="...)
	begin := len(dst)
	dst = from(dst)
	if bytes.IndexByte(dst[begin:], ':') >= 0 {
		dst = append(slices.Insert(dst, begin, '"', '['), `]"`...)
	}
	if s.client.Host != "" {
		dst = appendQuoted(append(dst, ";host="...), s.client.Host)
	}
	return append(append(dst, ";proto="...), s.client.Scheme...)
}

// appendQuoted writes a value as a token if it is one, else as a quoted string (RFC 9110, section 5.6.4).
func appendQuoted(dst []byte, s string) []byte {
	if isToken(s) {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-._~", c) < 0 {
			return false
		}
	}
	return true
}

// port is the port that the client asked for: what a trusted peer says, what the host says, or the scheme's.
func (s station) port() string {
	c := s.client
	if c.Trusted {
		if p := last(s.fields.Values("X-Forwarded-Port")); isPort(p) {
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
	if s == "" {
		return false // it would be an error, and memory, for each request
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
