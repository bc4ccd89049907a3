package handover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Settings of a desk. All are required but Logger.
type Settings struct {
	// Path is where a new process calls.
	Path string
	// Sockets gives descriptors of what this process listens on, to be closed by the desk.
	Sockets func() ([]Socket, error)
	// Leave is called once, when a new process serves; pid is it.
	Leave func(pid int)
	// Logger is told of calls that lead to nothing; nil discards that.
	Logger *slog.Logger
	// Patience is how long a new process may take from its call until it serves; 0 is 2 minutes.
	Patience time.Duration
}

// Desk is where a new process asks for the sockets of this one.
type Desk struct {
	settings Settings
	listener *net.UnixListener
}

const defaultPatience = 2 * time.Minute

// Open opens the desk, in the place of one that was there: who opens it serves.
func Open(s Settings) (*Desk, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Patience == 0 {
		s.Patience = defaultPatience
	}
	listener, err := bind(s.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the hand-over socket: %w", err)
	}
	return &Desk{s, listener}, nil
}

// longestPath is how long the path of a unix socket may be; ours has a folder of its own while it is made.
const longestPath = 107 - len("/.h1234567890/s")

// bind binds the path at once, whatever was there before: under another name first, so that at no instant nobody is there or others may call.
func bind(path string) (*net.UnixListener, error) {
	if len(path) > longestPath {
		return nil, fmt.Errorf("%s has %d bytes; want %d at most", path, len(path), longestPath)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("%s is there and is not a socket", path)
	}
	// In a folder of its own, which nobody else can enter, until it has its mode.
	folder, err := os.MkdirTemp(filepath.Dir(path), ".h")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	name := filepath.Join(folder, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// The path may be another process' by the time this one ends.
	listener.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(name, 0o600), os.Rename(name, path)); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// Run answers calls, one at a time, until the context ends or a new process has taken over.
func (d *Desk) Run(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { _ = d.listener.Close() })()
	defer d.listener.Close()
	for {
		conn, err := d.listener.AcceptUnix()
		if err != nil {
			if ctx.Err() == nil {
				d.settings.Logger.Error("nobody can take over any more", "error", err)
			}
			return
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		pid, err := d.serve(conn)
		stop()
		_ = conn.Close()
		if err == nil {
			d.settings.Leave(pid)
			return
		}
		if ctx.Err() == nil {
			d.settings.Logger.Warn("somebody wanted to take over and did not; nothing has changed", "error", err)
		}
	}
}

// serve is one call; without an error the caller has taken over.
func (d *Desk) serve(conn *net.UnixConn) (pid int, err error) {
	if pid, err = known(conn); err != nil {
		return 0, err
	}
	r := bufio.NewReaderSize(conn, 256)
	word, err := hear(conn, r, wordFor)
	if err != nil || word != hello {
		return 0, fmt.Errorf("it says %.40q (%v), want %q", word, err, hello)
	}
	sockets, err := d.settings.Sockets()
	defer func() {
		for _, s := range sockets {
			_ = s.File.Close()
		}
	}()
	if err != nil {
		return 0, err
	}
	if err := give(conn, sockets); err != nil {
		return 0, fmt.Errorf("passing sockets on: %w", err)
	}
	switch word, err = hear(conn, r, d.settings.Patience); {
	case errors.Is(err, io.EOF):
		return 0, errors.New("it has taken the sockets and ended before it served")
	case err != nil:
		return 0, fmt.Errorf("waiting for it to serve: %w", err)
	case word != serving:
		return 0, fmt.Errorf("it says %.40q, want %q", word, serving)
	}
	if err := say(conn, leaving); err != nil {
		d.settings.Logger.Warn("the new process serves, and does not hear that this one leaves", "error", err)
	}
	return pid, nil
}
