package edge

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Client says who asks.
type Client struct {
	// Addr is the client's address: the peer's, or what trusted proxies say.
	Addr netip.Addr
	// Peer is the address at the other end of the connection.
	Peer netip.Addr
	// Trusted is set when the peer is a trusted proxy.
	Trusted bool
	// Scheme is what the client speaks: http or https.
	Scheme string
	// Host is the host that the client asked for, with the port if it said one.
	Host string
	// Certificate is the name in the certificate that the peer has shown, "" if it has shown none. It is never taken from a field.
	Certificate string
}

// ClientOf tells who asks. Of a request that came by no Listener it tells the peer, and trusts nobody.
func ClientOf(r *http.Request) Client {
	if t, ok := r.Context().Value(transferKey{}).(*transfer); ok {
		return t.client
	}
	return identifyRequest(r, &policy{})
}

func identifyRequest(r *http.Request, p *policy) Client {
	var peer netip.Addr
	if known := peerOf(r.Context()); known != nil {
		peer = known.addr
	} else {
		ap, _ := netip.ParseAddrPort(r.RemoteAddr)
		peer = plainAddr(ap.Addr())
	}
	scheme, name := "http", ""
	if r.TLS != nil {
		scheme = "https"
		name = peerOf(r.Context()).name(r.TLS)
	}
	return identify(Client{Addr: peer, Peer: peer, Scheme: scheme, Host: r.Host, Certificate: name}, r.Header, p)
}

// identify goes from whom the connection comes from to who asks.
func identify(c Client, h Fields, p *policy) Client {
	if c.Trusted = p.trusts(c.Peer); !c.Trusted {
		return c
	}
	c.Addr = walk(h.Values("X-Forwarded-For"), c.Peer, p)
	if scheme := strings.ToLower(last(h.Values("X-Forwarded-Proto"))); scheme == "http" || scheme == "https" {
		c.Scheme = scheme
	}
	if host := last(h.Values("X-Forwarded-Host")); isHost(host) {
		c.Host = host
	}
	return c
}

// walk goes from the right to the first address that is no trusted proxy. What cannot be read ends the walk: whoever
// wrote it, nothing left of it is worth more.
func walk(lines []string, peer netip.Addr, p *policy) netip.Addr {
	client := peer
	for i := len(lines) - 1; i >= 0; i-- {
		rest, more := lines[i], true
		for more {
			comma := strings.LastIndexByte(rest, ',')
			element := strings.Trim(rest[comma+1:], " \t")
			rest, more = rest[:max(comma, 0)], comma >= 0
			if element == "" {
				continue
			}
			addr, ok := parseNode(element)
			if !ok {
				return client
			}
			if client = addr; !p.trusts(addr) {
				return client
			}
		}
	}
	return client
}

// parseNode reads an address with or without port; IPv6 with or without brackets.
func parseNode(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return plainAddr(addr), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return plainAddr(ap.Addr()), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return plainAddr(addr), err == nil && strings.HasSuffix(inner, "]")
	}
	return netip.Addr{}, false
}

// plainAddr has one form for one address: IPv4 is not mapped into IPv6, and there is no zone.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return plainAddr(tcp.AddrPort().Addr())
	}
	return netip.Addr{}
}

// last is the rightmost element of a list field: the one that the peer itself wrote.
func last(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return strings.Trim(line[strings.LastIndexByte(line, ',')+1:], " \t")
}

const longestHost = 300

// isHost reports whether s may be a name or an address with an optional port.
func isHost(s string) bool {
	if s == "" || len(s) > longestHost {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-._~:[]", c) < 0 {
			return false
		}
	}
	return true
}
