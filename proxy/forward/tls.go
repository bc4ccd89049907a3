package forward

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"time"

	"triage/proxy/keys"
)

// TLSFiles say how https endpoints are spoken to. The files are PEM, and read again when they change: for new connections.
type TLSFiles struct {
	// CAFile holds the authorities that endpoints' certificates have to be signed by; "" is the system's.
	CAFile string
	// ServerName is asked for, and has to be on the certificate; "" is the host of the endpoint's URL.
	ServerName string
	// CertFile and KeyFile are what is shown to endpoints that ask for a certificate; both or neither.
	CertFile, KeyFile string
}

// tlsSessions is how many TLS sessions are remembered for resumption: one an endpoint, and some.
const tlsSessions = 64

func (s TLSFiles) load(log *slog.Logger) (*keys.Keys, error) {
	var pairs []keys.Pair
	if s.CertFile != "" {
		pairs = append(pairs, keys.Pair{CertFile: s.CertFile, KeyFile: s.KeyFile})
	}
	return keys.Load(keys.Settings{
		Pairs: pairs, CAFile: s.CAFile, Logger: log,
		Make: func(certificates []tls.Certificate, authorities *x509.CertPool) *tls.Config {
			return &tls.Config{
				Certificates: certificates, RootCAs: authorities, ServerName: s.ServerName,
				ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
			}
		},
	})
}

// tlsConfig gives what a handshake goes by, for it to be changed.
func (f *Forwarder) tlsConfig() *tls.Config {
	if f.keys == nil {
		return f.settings.TLS.Clone()
	}
	return f.keys.Config(time.Now()).Clone()
}
