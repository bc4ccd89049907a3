package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"triage/config"
	"triage/proxy/edge"
	"triage/proxy/keys"
)

// badCertificates looks into the files of certificates, keys and authorities.
func badCertificates(loaded *config.Loaded) (problems config.Problems) {
	pair := func(path, cert, key string) {
		if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
			problems = append(problems, loaded.Problem(path, err.Error(), "a certificate chain and its private key, both PEM"))
		}
	}
	authorities := func(path, file string) {
		if file == "" {
			return
		}
		if _, err := keys.Authorities(file); err != nil {
			problems = append(problems, loaded.Problem(path, err.Error(), "certificates of authorities, PEM"))
		}
	}
	for i, l := range loaded.File.Listen {
		if l.TLS == nil {
			continue
		}
		path := fmt.Sprintf("listen[%d].tls", i)
		pair(path, l.TLS.CertFile, l.TLS.KeyFile)
		for j, c := range l.TLS.Certificates {
			pair(fmt.Sprintf("%s.certificates[%d]", path, j), c.CertFile, c.KeyFile)
		}
		authorities(path+".client_ca_file", l.TLS.ClientCaFile)
	}
	outwards := func(path string, t *config.UpstreamTLS) {
		if t == nil {
			return
		}
		authorities(path+".ca_file", t.CaFile)
		if t.CertFile != "" {
			pair(path, t.CertFile, t.KeyFile)
		}
	}
	for _, name := range loaded.File.UpstreamNames() {
		outwards("upstreams."+name+".tls", loaded.File.Upstreams[name].TLS)
	}
	if t := loaded.File.Tracing; t != nil {
		outwards("tracing.tls", t.TLS)
	}
	return problems
}

// tlsSettings translates a listener's TLS.
func tlsSettings(t *config.TLS, logger *slog.Logger) *edge.TLSSettings {
	if t == nil {
		return nil
	}
	s := &edge.TLSSettings{
		CertFile: t.CertFile, KeyFile: t.KeyFile, ClientCAFile: t.ClientCaFile, ClientOptional: t.ClientCertificate == "optional", Logger: logger,
	}
	if t.MinVersion == "tls1.3" {
		s.MinVersion = tls.VersionTLS13
	}
	for _, c := range t.Certificates {
		s.More = append(s.More, keys.Pair{CertFile: c.CertFile, KeyFile: c.KeyFile})
	}
	return s
}
