package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"triage/proxy/admin"
)

func TestListenTCP(t *testing.T) {
	for _, c := range []struct {
		address string
		tokens  bool
		problem string
	}{
		{"127.0.0.1:0", false, ""}, {"localhost:0", false, ""}, {"127.0.0.1:0", true, ""},
		{"0.0.0.0:0", false, "other machines"}, {":0", false, "other machines"}, {"[::]:0", false, "other machines"},
		{"192.0.2.1:0", false, "other machines"},
		{"127.0.0.1", false, "want host:port"}, {"", false, "want host:port"}, {"127.0.0.1:port", true, "want host:port"},
	} {
		t.Run(c.address, func(t *testing.T) {
			l, err := admin.Listen(c.address, c.tokens)
			if err == nil {
				_ = l.Close()
			}
			if got := err != nil; got != (c.problem != "") || got && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("tokens %v: got error %v, want %q", c.tokens, err, c.problem)
			}
		})
	}
}

func TestListenOnAUsedPort(t *testing.T) {
	l, err := admin.Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := admin.Listen(l.Addr().String(), false); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got error %v, want one that says the port is in use", err)
	}
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := admin.Listen("unix:"+path, false)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: mode %v, error %v, want 0600", info.Mode().Perm(), err)
	}
	if _, err := admin.Listen("unix:"+path, false); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second listener: got error %v, want one that says the socket is in use", err)
	}
	serveStatus(t, l, path)

	// A process that is killed leaves its socket behind.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	l, err = admin.Listen("unix:"+path, false)
	if err != nil {
		t.Fatalf("on a stale socket: %v", err)
	}
	_ = l.Close()
}

// serveStatus asks for the status over the socket as `triage status` does, then ends the server.
func serveStatus(t *testing.T, l net.Listener, path string) {
	t.Helper()
	server := admin.Server(newFixture().handler(t))
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	client := http.Client{Transport: transport}
	r, err := client.Get("http://triage/api/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	if r.StatusCode != 200 {
		t.Errorf("over the socket: got status %d, want 200", r.StatusCode)
	}
	transport.CloseIdleConnections()
	_ = server.Close()
	<-served
}

func TestListenUnixKeepsOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Listen("unix:"+path, false); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("got error %v, want one that says it is not a socket", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
	if _, err := admin.Listen("unix:"+filepath.Join(path, "x"), false); err == nil {
		t.Error("a path below a file: got no error")
	}
}
