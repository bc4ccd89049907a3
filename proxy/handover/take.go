package handover

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
)

// Taken is what an old process has given. It goes on serving until Serving is called.
type Taken struct {
	Sockets []Socket
	// PID is the old process.
	PID int

	conn *net.UnixConn
	read *bufio.Reader
}

// Take asks whoever keeps a desk at the path for its sockets. nil without an error: nobody does.
func Take(path string) (*Taken, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("asking for the sockets of the running process: %w", err)
	}
	t := &Taken{conn: conn, read: bufio.NewReaderSize(conn, 256)}
	if _, err = known(conn); err == nil {
		if err = say(conn, hello); err == nil {
			t.Sockets, t.PID, err = receive(conn)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("taking over from the process at %s: %w", path, err)
	}
	return t, nil
}

// Serving tells the old process that it may leave. An error means that it has not said that it does: it may be there still.
func (t *Taken) Serving() error {
	defer t.conn.Close()
	if err := say(t.conn, serving); err != nil {
		return fmt.Errorf("telling process %d to leave: %w", t.PID, err)
	}
	word, err := hear(t.conn, t.read, wordFor)
	if err == nil && word != leaving {
		err = fmt.Errorf("it says %q, want %q", word, leaving)
	}
	if err != nil {
		return fmt.Errorf("waiting for process %d to leave: %w", t.PID, err)
	}
	return nil
}

// GiveUp leaves everything to the old process. After Serving it does nothing.
func (t *Taken) GiveUp() { _ = t.conn.Close() }
