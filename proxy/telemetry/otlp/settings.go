package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"triage/proxy/keys"
)

// Settings say where traces go.
type Settings struct {
	// URL is where to post.
	URL string
	// Headers go with every post.
	Headers http.Header
	// Timeout is how long a batch is tried; 0 is 10 s.
	Timeout time.Duration
	// Queue is how many exchanges may wait; 0 is 2048.
	Queue int
	// Every is how often what has gathered is sent; 0 is once a second.
	Every time.Duration
	// Resource is what all spans have in common, as service.name.
	Resource map[string]string
	// Version is this program's.
	Version string
	// CAFile holds the authorities of an https collector, "" is the system's; ServerName is on its certificate instead of the URL's host. CertFile and
	// KeyFile are shown to it.
	CAFile, ServerName, CertFile, KeyFile string
}

const (
	defaultTimeout = 10 * time.Second
	defaultQueue   = 2048
	defaultEvery   = time.Second
	// longestFlush is how long the end waits for a collector that hangs.
	longestFlush = 5 * time.Second
)

func (s Settings) withDefaults() (Settings, error) {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil:
		return s, fmt.Errorf("the collector's address: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return s, fmt.Errorf("the collector's address is %q, want http:// or https:// and a host", s.URL)
	case s.Timeout < 0 || s.Queue < 0 || s.Every < 0:
		return s, errors.New("timeout, queue and time between two posts must not be negative")
	}
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	if s.Queue == 0 {
		s.Queue = defaultQueue
	}
	if s.Every == 0 {
		s.Every = defaultEvery
	}
	return s, nil
}

// transport makes the connection's side of it. Files are read once: the configuration is loaded again when one changes.
func (s Settings) transport() (*http.Transport, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	if s.CAFile == "" && s.CertFile == "" && s.ServerName == "" {
		return t, nil
	}
	files := keys.Settings{CAFile: s.CAFile, Make: func(certificates []tls.Certificate, authorities *x509.CertPool) *tls.Config {
		return &tls.Config{Certificates: certificates, RootCAs: authorities, ServerName: s.ServerName}
	}}
	if s.CertFile != "" {
		files.Pairs = []keys.Pair{{CertFile: s.CertFile, KeyFile: s.KeyFile}}
	}
	read, err := keys.Load(files)
	if err != nil {
		return nil, err
	}
	t.TLSClientConfig = read.Config(time.Now())
	return t, nil
}

// name is the collector's address without a password that may be in it.
func (c *Collector) name() string {
	u, err := url.Parse(c.settings.URL)
	if err != nil {
		return ""
	}
	return u.Redacted()
}
