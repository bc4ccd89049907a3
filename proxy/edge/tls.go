package edge

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"triage/proxy/keys"
)

// TLSSettings name PEM files, which are read again when they change.
type TLSSettings struct {
	CertFile, KeyFile string
	// More are certificates for other names; a client gets the first that fits the name it asks for, else that of CertFile.
	More []keys.Pair
	// MinVersion is TLS 1.2 if 0.
	MinVersion uint16
	// ClientCAFile holds the authorities that clients' certificates have to be signed by; "" asks for none.
	ClientCAFile string
	// ClientOptional lets clients without a certificate in. One that does not hold is refused all the same.
	ClientOptional bool
	// Logger is told when files were read again; nil is nobody.
	Logger *slog.Logger
}

func (s *TLSSettings) check() error {
	switch {
	case s == nil:
		return nil
	case s.CertFile == "" || s.KeyFile == "":
		return fmt.Errorf("tls: certificate file %q, key file %q; want both", s.CertFile, s.KeyFile)
	case s.ClientOptional && s.ClientCAFile == "":
		return fmt.Errorf("tls: client certificates are optional, and there is no file of authorities; want both or neither")
	}
	return nil
}

// secure is what handshakes with clients go by.
type secure struct {
	keys    *keys.Keys
	tickets tickets
}

func newSecure(s TLSSettings) (*secure, error) {
	auth := tls.NoClientCert
	switch {
	case s.ClientCAFile != "" && s.ClientOptional:
		auth = tls.VerifyClientCertIfGiven
	case s.ClientCAFile != "":
		auth = tls.RequireAndVerifyClientCert
	}
	k, err := keys.Load(keys.Settings{
		Pairs: append([]keys.Pair{{CertFile: s.CertFile, KeyFile: s.KeyFile}}, s.More...), CAFile: s.ClientCAFile, Logger: s.Logger,
		Make: func(certificates []tls.Certificate, authorities *x509.CertPool) *tls.Config {
			return &tls.Config{
				MinVersion: max(s.MinVersion, tls.VersionTLS12), Certificates: certificates, NextProtos: []string{"h2", "http/1.1"},
				ClientAuth: auth, ClientCAs: authorities,
			}
		},
	})
	if err != nil {
		return nil, err
	}
	return &secure{keys: k}, nil
}

func (s *secure) config(now time.Time) *tls.Config {
	config := s.keys.Config(now)
	s.tickets.renew(config, now)
	return config
}

// tickets are the keys by which sessions are resumed. net/http's own live for a week, and a key that is stolen opens what was said under
// it before. These are drawn anew every six hours, the last four still open tickets, and none outlives the configuration.
type tickets struct {
	mu     sync.Mutex
	config *tls.Config
	keys   [][32]byte // the newest first
	drawn  time.Time
}

const (
	ticketKeyEvery = 6 * time.Hour
	ticketKeys     = 4
)

func (t *tickets) renew(config *tls.Config, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.config != config {
		t.config, t.keys = config, nil
	}
	if len(t.keys) > 0 && now.Sub(t.drawn) < ticketKeyEvery {
		return
	}
	var key [32]byte
	rand.Read(key[:])
	t.keys = append([][32]byte{key}, t.keys[:min(len(t.keys), ticketKeys-1)]...)
	t.drawn = now
	config.SetSessionTicketKeys(slices.Clone(t.keys))
}

// identity is what stands for a client that has shown a certificate which holds: the first name of it that its authority gave, so that a
// renewed certificate is the same client. "" is nobody.
func identity(state *tls.ConnectionState) string {
	if state == nil || len(state.VerifiedChains) == 0 {
		return ""
	}
	leaf := state.PeerCertificates[0]
	switch {
	case len(leaf.URIs) > 0:
		return "uri " + leaf.URIs[0].String()
	case len(leaf.DNSNames) > 0:
		return "dns " + leaf.DNSNames[0]
	case len(leaf.EmailAddresses) > 0:
		return "email " + leaf.EmailAddresses[0]
	}
	return "subject " + leaf.Subject.String()
}
