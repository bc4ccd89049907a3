package edge

import (
	"fmt"
	"net"
	"os"
)

// ListenOn is Listen on a socket that somebody else has bound already. It owns the socket from then on, also when it fails.
func ListenOn(tcp *net.TCPListener, s Settings) (*Listener, error) {
	p, err := newPolicy(s)
	if err != nil {
		_ = tcp.Close()
		return nil, fmt.Errorf("listening on %q: %w", s.Address, err)
	}
	return newListener(tcp, p), nil
}

// Socket gives another descriptor of the socket, to be passed to another process. What waits in the kernel's queue belongs to the socket, and
// is lost only with the last descriptor of it.
func (l *Listener) Socket() (*os.File, error) { return l.tcp.File() }
