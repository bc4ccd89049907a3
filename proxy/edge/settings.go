package edge

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"triage/proxy/shortage"
)

// Settings of one listener. Only Address is required.
type Settings struct {
	// Address is host:port; an empty host is every address, port 0 any free port.
	Address string
	// TLS is nil for plain HTTP/1.1.
	TLS *TLSSettings
	// H2C speaks HTTP/2 without TLS too, to clients that begin with its preface.
	H2C bool
	// Fast serves plain HTTP/1.1 by the fast lane, if the handler is one for it.
	Fast bool
	// TrustedProxies are the peers whose X-Forwarded-* are believed.
	TrustedProxies []netip.Prefix
	// MaxConnections is 10000 if 0.
	MaxConnections int
	// PerClient is how many connections one client may have, by its address, of IPv6 by the first 64 bits of it; 0 is a quarter of
	// MaxConnections, but at least 100. Peers in TrustedProxies may have any number.
	PerClient int
	// MaxHeader is the greatest request header in bytes: 64 KiB if 0, at least 8 KiB.
	MaxHeader int64
	// ReadHeader is the time for a request's header and the TLS handshake: 10 s if 0.
	ReadHeader time.Duration
	// Idle is how long a connection is kept between requests: 90 s if 0.
	Idle time.Duration
	// Read is how long a request body may stand still: 60 s if 0.
	Read time.Duration
	// Write is how long a client may take nothing of the response: 60 s if 0.
	Write time.Duration
	// BodyRate is how many bytes a second a client has to send of a request body, on average while it is waited for, when it has used up
	// Read; 0 is any rate.
	BodyRate int64
	// Shortage says how short the process is of something: the shorter, the less time clients have. nil is never.
	Shortage *shortage.Watch
}

// TLSSettings name PEM files.
type TLSSettings struct {
	CertFile, KeyFile string
}

const (
	defaultConnections = 10_000
	// Of the connections a client may have perClientShare-th, but perClientLeast at least: a household behind one address has no more.
	perClientShare, perClientLeast = 4, 100
	defaultHeader                  = 64 << 10
	// minHeader: RFC 9112, section 3, wants 8000 octets of request line to be accepted.
	minHeader         = 8 << 10
	maxHeader         = 16 << 20
	defaultReadHeader = 10 * time.Second
	defaultIdle       = 90 * time.Second
	defaultRead       = 60 * time.Second
	defaultWrite      = 60 * time.Second
)

// complete checks the settings and fills in the defaults.
func (s Settings) complete() (Settings, error) {
	if err := checkAddress(s.Address); err != nil {
		return s, err
	}
	if s.TLS != nil && (s.TLS.CertFile == "" || s.TLS.KeyFile == "") {
		return s, fmt.Errorf("tls: certificate file %q, key file %q; want both", s.TLS.CertFile, s.TLS.KeyFile)
	}
	if s.MaxConnections < 0 {
		return s, fmt.Errorf("max connections is %d; want at least 1, or 0 for %d", s.MaxConnections, defaultConnections)
	}
	if s.PerClient < 0 || s.BodyRate < 0 {
		return s, fmt.Errorf("connections per client is %d, body rate %d; want 0 or more", s.PerClient, s.BodyRate)
	}
	if s.MaxHeader != 0 && (s.MaxHeader < minHeader || s.MaxHeader > maxHeader) {
		return s, fmt.Errorf("max header is %d bytes; want %d to %d", s.MaxHeader, minHeader, maxHeader)
	}
	for name, d := range map[string]time.Duration{"read header": s.ReadHeader, "idle": s.Idle, "read": s.Read, "write": s.Write} {
		if d < 0 {
			return s, fmt.Errorf("%s timeout is %v; want more than 0", name, d)
		}
	}
	proxies, err := unmapped(s.TrustedProxies)
	if err != nil {
		return s, err
	}
	s.TrustedProxies = proxies
	s.MaxConnections = cmp.Or(s.MaxConnections, defaultConnections)
	s.PerClient = cmp.Or(s.PerClient, max(perClientLeast, s.MaxConnections/perClientShare))
	s.MaxHeader = cmp.Or(s.MaxHeader, defaultHeader)
	s.ReadHeader = cmp.Or(s.ReadHeader, defaultReadHeader)
	s.Idle = cmp.Or(s.Idle, defaultIdle)
	s.Read = cmp.Or(s.Read, defaultRead)
	s.Write = cmp.Or(s.Write, defaultWrite)
	return s, nil
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w; want host:port like 0.0.0.0:8080", address, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("address %q: port %q is not a number from 0 to 65535", address, port)
	}
	return nil
}

// unmapped gives the prefixes with IPv4-mapped IPv6 (::ffff:10.0.0.0/104) written as IPv4, as addresses are compared.
func unmapped(prefixes []netip.Prefix) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(prefixes))
	for i, p := range prefixes {
		if !p.IsValid() {
			return nil, fmt.Errorf("trusted proxy %d is not a network; want one like 10.0.0.0/8", i)
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// sameServer reports whether a running http.Server serves both settings.
func (s Settings) sameServer(other Settings) bool {
	return s.H2C == other.H2C && s.MaxHeader == other.MaxHeader && s.ReadHeader == other.ReadHeader && s.Idle == other.Idle
}
