package forward

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// tunnelBuffer is the piece in which a tunnel copies, one a direction for as long as it lasts. Small, because most
// upgraded connections are many and idle.
const tunnelBuffer = 4 << 10

var (
	errTunnelIdle = errors.New("no byte in either direction, or none taken, for longer than the idle timeout")
	errOneWay     = errors.New("the connection cannot be closed in one direction")
)

// tunnel is a pair of connections after an upgrade.
type tunnel struct {
	client   net.Conn
	endpoint io.ReadWriteCloser
	limit    time.Duration
	in, out  atomic.Int64

	closing sync.Once
	idle    *time.Timer
	idled   atomic.Bool
}

// newTunnel makes a tunnel that f can close.
func newTunnel(client net.Conn, endpoint io.ReadWriteCloser, f *Forwarder) *tunnel {
	t := &tunnel{client: client, endpoint: endpoint, limit: f.settings.IdleTimeout}
	f.mu.Lock()
	f.tunnels[t] = struct{}{}
	f.mu.Unlock()
	return t
}

// run copies in both directions until both have ended, and gives the first error that was not an orderly end.
func (t *tunnel) run() error {
	t.idle = time.AfterFunc(t.limit, t.giveUp)
	defer t.idle.Stop()
	inward := make(chan error, 1)
	go func() { inward <- t.carry(t.endpoint, t.client, &t.in) }()
	err := t.carry(t.client, t.endpoint, &t.out)
	err = errors.Join(err, <-inward)
	if t.idled.Load() {
		return errTunnelIdle
	}
	return err
}

// giveUp ends a tunnel that stands still.
func (t *tunnel) giveUp() {
	t.idled.Store(true)
	t.close()
}

// carry copies one direction, and ends it at the far side when it ends at the near one. Who takes nothing is not kept by what it says
// meanwhile: a write has the idle timeout for itself.
func (t *tunnel) carry(to io.Writer, from io.Reader, count *atomic.Int64) error {
	buf := make([]byte, tunnelBuffer)
	stuck := time.AfterFunc(t.limit, t.giveUp)
	stuck.Stop()
	defer stuck.Stop()
	for {
		n, err := from.Read(buf)
		if n > 0 {
			t.idle.Reset(t.limit)
			stuck.Reset(t.limit)
			_, err := to.Write(buf[:n])
			stuck.Stop()
			if err != nil {
				t.close()
				return err
			}
			count.Add(int64(n))
		}
		if err == io.EOF {
			err = closeWrite(to)
			if err == nil {
				return nil
			}
		}
		if err != nil {
			t.close()
			if errors.Is(err, net.ErrClosed) || errors.Is(err, errOneWay) {
				return nil
			}
			return err
		}
	}
}

func closeWrite(w io.Writer) error {
	half, ok := w.(interface{ CloseWrite() error })
	if !ok {
		return errOneWay
	}
	return half.CloseWrite()
}

func (t *tunnel) close() {
	t.closing.Do(func() {
		closeQuietly(t.client)
		closeQuietly(t.endpoint)
	})
}
