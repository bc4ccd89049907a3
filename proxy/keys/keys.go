package keys

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Pair names the PEM files of a certificate chain and its private key.
type Pair struct{ CertFile, KeyFile string }

// Settings say what a configuration is made from.
type Settings struct {
	// Pairs are shown to the other side; the first is the one for whoever fits none.
	Pairs []Pair
	// CAFile holds the certificates that the other side's has to be signed by; "" is none.
	CAFile string
	// Make makes the configuration of what was read; authorities is nil without CAFile. It is called again when a file has changed.
	Make func(certificates []tls.Certificate, authorities *x509.CertPool) *tls.Config
	// Logger is told what was read again and what could not be; nil is nobody.
	Logger *slog.Logger
}

// Keys is a tls.Config that follows its files. It is safe for concurrent use.
type Keys struct {
	settings Settings
	current  atomic.Pointer[tls.Config]

	mu      sync.Mutex
	checked time.Time
	seen    []os.FileInfo
	// complaint is the last error, so that it is logged once and not once a second.
	complaint string
}

// lookEvery is how often the files are looked at.
const lookEvery = time.Second

// Load reads the files.
func Load(s Settings) (*Keys, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	k := &Keys{settings: s}
	if err := k.loadLocked(); err != nil {
		return nil, err
	}
	return k, nil
}

// Config gives the configuration for a handshake. One handshake a second looks at the files; the others do not wait for it.
func (k *Keys) Config(now time.Time) *tls.Config {
	if k.mu.TryLock() {
		if now.Sub(k.checked) >= lookEvery {
			k.checked = now
			k.refreshLocked()
		}
		k.mu.Unlock()
	}
	return k.current.Load()
}

func (k *Keys) files() (all []string) {
	for _, p := range k.settings.Pairs {
		all = append(all, p.CertFile, p.KeyFile)
	}
	if k.settings.CAFile != "" {
		all = append(all, k.settings.CAFile)
	}
	return all
}

func (k *Keys) refreshLocked() {
	if k.unchangedLocked() {
		k.complaint = ""
		return
	}
	err := k.loadLocked()
	log := k.settings.Logger
	switch {
	case err == nil:
		k.complaint = ""
		log.Info("certificates reloaded", "files", k.files(), "not_after", notAfter(k.current.Load().Certificates))
	case err.Error() != k.complaint:
		k.complaint = err.Error()
		log.Error("certificates not reloaded, the old ones stay in force", "error", err)
	}
}

func notAfter(certificates []tls.Certificate) (all []time.Time) {
	for _, c := range certificates {
		all = append(all, c.Leaf.NotAfter)
	}
	return all
}

func (k *Keys) unchangedLocked() bool {
	for i, file := range k.files() {
		now, err := os.Stat(file)
		if before := k.seen[i]; err != nil || !os.SameFile(now, before) || now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime()) {
			return false
		}
	}
	return true
}

func (k *Keys) loadLocked() error {
	// The files are looked at before they are read: a change in between is then seen the next time.
	var seen []os.FileInfo
	for _, file := range k.files() {
		info, err := os.Stat(file)
		if err != nil {
			return fmt.Errorf("reading certificates: %w", err)
		}
		seen = append(seen, info)
	}
	var certificates []tls.Certificate
	for _, p := range k.settings.Pairs {
		pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
		if err != nil {
			return fmt.Errorf("reading the certificate %q with the key %q: %w", p.CertFile, p.KeyFile, err)
		}
		certificates = append(certificates, pair)
	}
	var authorities *x509.CertPool
	if k.settings.CAFile != "" {
		var err error
		if authorities, err = Authorities(k.settings.CAFile); err != nil {
			return err
		}
	}
	k.seen = seen
	k.current.Store(k.settings.Make(certificates, authorities))
	return nil
}

// Authorities reads the certificates that others are to be signed by.
func Authorities(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates of authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("reading the certificates of authorities: %w", errors.New(file+" holds no certificate in PEM form"))
	}
	return pool, nil
}
