package edge

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// certificate is a key pair from two files, read again when they change.
type certificate struct {
	files   TLSSettings
	current atomic.Pointer[tls.Certificate]

	mu        sync.Mutex
	checked   time.Time
	cert, key os.FileInfo
	// complaint is the last error, so that it is logged once and not once a second.
	complaint string
}

func loadCertificate(files TLSSettings) (*certificate, error) {
	c := &certificate{files: files}
	if err := c.loadLocked(); err != nil {
		return nil, err
	}
	return c, nil
}

// get gives the certificate for a handshake. One handshake a second looks at the files; the others do not wait for it.
func (c *certificate) get(now time.Time, log *slog.Logger) *tls.Certificate {
	if c.mu.TryLock() {
		if now.Sub(c.checked) >= time.Second {
			c.checked = now
			c.refreshLocked(log)
		}
		c.mu.Unlock()
	}
	return c.current.Load()
}

// refreshLocked reads changed files. A pair that cannot be used, as while it is being replaced, leaves the old one in force.
func (c *certificate) refreshLocked(log *slog.Logger) {
	if same(c.files.CertFile, c.cert) && same(c.files.KeyFile, c.key) {
		c.complaint = ""
		return
	}
	err := c.loadLocked()
	switch {
	case err == nil:
		c.complaint = ""
		log.Info("certificate reloaded", "file", c.files.CertFile, "not_after", c.current.Load().Leaf.NotAfter)
	case err.Error() != c.complaint:
		c.complaint = err.Error()
		log.Error("certificate not reloaded, the old one stays in force", "error", err)
	}
}

func (c *certificate) loadLocked() error {
	// The files are looked at before they are read: a change in between is then seen the next time.
	cert, err := os.Stat(c.files.CertFile)
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	key, err := os.Stat(c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("reading the certificate's key: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("reading the certificate %q with the key %q: %w", c.files.CertFile, c.files.KeyFile, err)
	}
	c.cert, c.key = cert, key
	c.current.Store(&pair)
	return nil
}

func same(file string, before os.FileInfo) bool {
	now, err := os.Stat(file)
	return err == nil && os.SameFile(now, before) && now.Size() == before.Size() && now.ModTime().Equal(before.ModTime())
}
