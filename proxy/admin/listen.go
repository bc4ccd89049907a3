package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Timeouts and sizes of an API that is used by a handful of people and scrapers. A status or a scrape takes
// milliseconds, a reload seconds.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = time.Minute
	maxHeaderBytes    = 16 << 10
)

// Server gives a server with timeouts for the handler.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

// Listen binds host:port, or unix:/path. Without tokens only addresses that no other machine reaches are bound.
func Listen(address string, tokens bool) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return listenUnix(path)
	}
	// ResolveTCPAddr alone would take the empty address for any port of every interface.
	_, _, err := net.SplitHostPort(address)
	var resolved *net.TCPAddr
	if err == nil {
		resolved, err = net.ResolveTCPAddr("tcp", address)
	}
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w; want host:port or unix:/path", address, err)
	}
	if !tokens && !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("admin address %q can be reached from other machines; want a loopback address such as 127.0.0.1:9901, unix:/path, or a tokens file", address)
	}
	l, err := net.ListenTCP("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("binding the admin address: %w", err)
	}
	return l, nil
}

// listenUnix binds a socket that only its owner may use. What a process that died left behind is removed; a socket that
// somebody answers is not.
func listenUnix(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("binding the admin socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("binding the admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("binding the admin socket: %w", err), l.Close())
	}
	return l, nil
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there and is not a socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("%s is in use by another process", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}
