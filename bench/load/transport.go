package load

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"
)

// userAgent is what requests say of who sends them, if they say nothing else.
const userAgent = "triage-bench"

// newTransport makes a client that keeps every connection it may come to need. It heeds no proxy of the environment, and
// gives up connecting at the deadline, so that dials to a silent host do not pile up.
func newTransport(s Settings) *http.Transport {
	t := &http.Transport{
		// No keep-alive probes: these are four system calls a connection, and an overload makes thousands of them.
		DialContext:         (&net.Dialer{Timeout: s.Deadline, KeepAlive: -1}).DialContext,
		DisableKeepAlives:   s.CloseEach,
		MaxIdleConnsPerHost: max(1024, s.MaxInFlight),
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
		// Small messages on up to MaxInFlight connections: half of net/http's 4 KiB each.
		WriteBufferSize: 2 << 10,
		ReadBufferSize:  2 << 10,
		Protocols:       &http.Protocols{},
	}
	if s.TLS != nil {
		t.TLSClientConfig = s.TLS.Clone()
	}
	if s.Protocol == HTTP2 {
		t.Protocols.SetHTTP2(true)
		t.Protocols.SetUnencryptedHTTP2(true)
	} else {
		t.Protocols.SetHTTP1(true)
	}
	return t
}

// tls is what a secure connection to a target wants.
func (s Settings) tls(target string) *tls.Config {
	c := &tls.Config{}
	if s.TLS != nil {
		c = s.TLS.Clone()
	}
	if u, err := url.Parse(target); err == nil && c.ServerName == "" {
		c.ServerName = u.Hostname()
	}
	c.NextProtos = []string{"http/1.1"}
	return c
}

// hostPort is where a target, which has been checked, is connected to.
func hostPort(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}
