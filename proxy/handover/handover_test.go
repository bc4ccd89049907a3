//go:build unix

package handover_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"triage/proxy/handover"
)

// desk opens a desk for one listener; left gets the process that has taken over.
func desk(t *testing.T, l *net.TCPListener) (path string, left chan int) {
	t.Helper()
	folder, err := os.MkdirTemp("", "desk")
	if err != nil {
		t.Fatal(err)
	}
	path, left = filepath.Join(folder, "s"), make(chan int, 1)
	d, err := handover.Open(handover.Settings{
		Path: path, Leave: func(pid int) { left <- pid },
		Sockets: func() ([]handover.Socket, error) {
			f, err := l.File()
			return []handover.Socket{{Name: "shop", File: f}}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { d.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended; os.RemoveAll(folder) })
	return path, left
}

func listener(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

func take(t *testing.T, path string) *handover.Taken {
	t.Helper()
	taken, err := handover.Take(path)
	if err != nil || taken == nil || len(taken.Sockets) != 1 || taken.Sockets[0].Name != "shop" {
		t.Fatalf("Take: %+v, %v; want the socket shop", taken, err)
	}
	return taken
}

// What is in the queue of the socket, and what comes later, is the new process' when the old one has closed its descriptor.
func TestNothingIsLostFromTheQueue(t *testing.T) {
	old := listener(t)
	path, left := desk(t, old)
	waiting, err := net.Dial("tcp", old.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	taken := take(t, path)
	next, err := net.FileListener(taken.Sockets[0].File)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if err := taken.Serving(); err != nil {
		t.Fatal(err)
	}
	if pid := <-left; pid != os.Getpid() {
		t.Errorf("taken over by process %d, want %d", pid, os.Getpid())
	}
	old.Close()
	c, err := next.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(waiting, b); err != nil || string(b) != "hello" {
		t.Errorf("who waited in the queue got %q, %v; want hello", b, err)
	}
}

// Whoever calls and does not take over leaves the desk as it was.
func TestCallsThatLeadToNothing(t *testing.T) {
	path, left := desk(t, listener(t))
	for _, word := range []string{"", "GET / HTTP/1.1\r\n\r\n", "triage handover 2\n", strings.Repeat("x", 100_000)} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, word)
		if word == "" {
			c.Close()
			continue
		}
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if got, _ := io.ReadAll(c); len(got) > 0 {
			t.Errorf("answers %q to %.20q; want nothing", got, word)
		}
		c.Close()
	}
	take(t, path).GiveUp()
	taken := take(t, path)
	select {
	case pid := <-left:
		t.Fatalf("process %d has taken over; want nobody yet", pid)
	default:
	}
	if err := taken.Serving(); err != nil {
		t.Error(err)
	}
	<-left
	// The desk is closed: who comes now begins from nothing.
	for {
		taken, err := handover.Take(path)
		if taken == nil && err == nil {
			return
		}
		if taken != nil {
			t.Fatal("a process that has been taken over from gives its sockets away again")
		}
	}
}

func TestNobodyThere(t *testing.T) {
	folder := t.TempDir()
	if taken, err := handover.Take(filepath.Join(folder, "nobody")); taken != nil || err != nil {
		t.Errorf("where nothing is: %v, %v; want nothing", taken, err)
	}
}

// A socket that a process left behind is replaced, what is no socket is not.
func TestOpen(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{file: "is there and is not a socket", folder + "/" + strings.Repeat("x", 100): "at most", folder + "/no/folder": "no such file"} {
		if _, err := handover.Open(handover.Settings{Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q): %v; want %q", path, err, want)
		}
	}
	if b, _ := os.ReadFile(file); string(b) != "precious" {
		t.Errorf("the file has %q now", b)
	}
	path := filepath.Join(folder, "s")
	for range 2 {
		if _, err := handover.Open(handover.Settings{Path: path}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v; want mode 0600", fmt.Sprint(info.Mode()), err)
		}
	}
	if left, _ := filepath.Glob(folder + "/.h*"); len(left) > 0 {
		t.Errorf("leaves %q behind", left)
	}
}
