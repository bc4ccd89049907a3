//go:build linux

package edge_test

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"triage/proxy/edge"
)

// TestFullDescriptorTable takes all file descriptors but one away, which the client's socket has already, and sees that
// the listener lives through it.
func TestFullDescriptorTable(t *testing.T) {
	l, out := serve(t, edge.Settings{}, hello)
	first := dial(t, l)
	first.send("GET / HTTP/1.0\r\n\r\n")
	first.response("GET")
	first.wantClosed() // or its descriptor becomes free later

	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) })
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	full := before
	full.Cur = uint64(highest(t) + 1)
	fill, begun := fillDescriptors(t, full), time.Now()
	at := l.Addr().(*net.TCPAddr)
	connected := syscall.Connect(fd, &syscall.SockaddrInet4{Port: at.Port, Addr: [4]byte(at.IP.To4())})
	eventually(t, "accepting to fail", func() bool {
		if more, err := os.Open(os.DevNull); err == nil { // somebody has closed one
			fill = append(fill, more)
		}
		return l.Snapshot().AcceptErrors > 2
	})

	for _, f := range fill {
		f.Close()
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if connected != nil {
		t.Fatal(connected)
	}
	f := os.NewFile(uintptr(fd), "client")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	var answer strings.Builder
	for buf := make([]byte, 1024); ; {
		n, err := c.Read(buf)
		if answer.Write(buf[:n]); err != nil {
			break
		}
	}
	if !strings.Contains(answer.String(), "hello") {
		t.Errorf("the client that waited got %q, want hello", answer.String())
	}
	get(t, l, "/")
	if n := strings.Count(out.String(), "cannot accept connections"); n < 1 || n > 1+int(time.Since(begun)/time.Second) {
		t.Errorf("the log says %d times that it cannot accept, want once a second:\n%s", n, out.String())
	}
}

// highest is the highest file descriptor in use.
func highest(t *testing.T) int {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return int(f.Fd())
}

// fillDescriptors sets the limit and opens files until there is no descriptor left.
func fillDescriptors(t *testing.T, limit syscall.Rlimit) []*os.File {
	t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return files
		}
		files = append(files, f)
	}
}
