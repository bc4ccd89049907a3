package edge_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"triage/proxy/edge"
)

// attacker speaks HTTP/2 frame by frame.
type attacker struct {
	*client
	*http2.Framer
	fields bytes.Buffer
	hpack  *hpack.Encoder
	// closed tells how the connection ended.
	closed chan error
}

func attack(t *testing.T, l *edge.Listener) *attacker {
	t.Helper()
	c := dial(t, l)
	if err := c.SetDeadline(time.Now().Add(4 * patience)); err != nil {
		t.Fatal(err)
	}
	c.send(http2.ClientPreface)
	a := &attacker{client: c, Framer: http2.NewFramer(c.Conn, nil), closed: make(chan error, 1)}
	a.hpack = hpack.NewEncoder(&a.fields)
	if err := a.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	// Whoever does not read what is answered is stopped by a full socket sooner.
	go func() {
		_, err := io.Copy(io.Discard, c.Conn)
		a.closed <- err
	}()
	return a
}

func (a *attacker) ask(stream uint32) error {
	a.fields.Reset()
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "shop"}, {":path", "/"}} {
		_ = a.hpack.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	return a.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: a.fields.Bytes(), EndStream: true, EndHeaders: true})
}

// Each of these costs the attacker next to nothing. The listener closes the connection, and others are served.
func TestFloods(t *testing.T) {
	for name, flood := range map[string]func(a *attacker, n uint32) error{
		"ping":     func(a *attacker, _ uint32) error { return a.WritePing(false, [8]byte{1}) },
		"settings": func(a *attacker, _ uint32) error { return a.WriteSettings() },
		"window": func(a *attacker, n uint32) error {
			return a.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 + n%100})
		},
		"priority": func(a *attacker, n uint32) error {
			return a.WritePriority(2*n+1, http2.PriorityParam{Weight: 1})
		},
		"unknown frames": func(a *attacker, _ uint32) error { return a.WriteRawFrame(0x99, 0, 0, make([]byte, 64)) },
		"empty data on no stream": func(a *attacker, _ uint32) error {
			return a.WriteRawFrame(http2.FrameData, 0, 1, nil)
		},
		"rapid reset": func(a *attacker, n uint32) error {
			if err := a.ask(2*n + 1); err != nil {
				return err
			}
			return a.WriteRSTStream(2*n+1, http2.ErrCodeCancel)
		},
		"made you reset": func(a *attacker, n uint32) error {
			if err := a.ask(2*n + 1); err != nil {
				return err
			}
			return a.WriteRawFrame(http2.FrameWindowUpdate, 0, 2*n+1, make([]byte, 4)) // an increment of 0 is an error of the stream
		},
		"continuation": func(a *attacker, n uint32) error {
			if n == 0 {
				a.fields.Reset()
				_ = a.hpack.WriteField(hpack.HeaderField{Name: ":method", Value: "GET"})
				return a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields.Bytes()})
			}
			a.fields.Reset()
			_ = a.hpack.WriteField(hpack.HeaderField{Name: "x", Value: "0123456789", Sensitive: true})
			return a.WriteContinuation(1, false, a.fields.Bytes())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, _ := serve(t, edge.Settings{H2C: true}, func(_ http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor == 2 {
					<-r.Context().Done()
				}
			})
			a := attack(t, l)
			for n := range uint32(400_000) {
				if flood(a, n) != nil {
					break
				}
			}
			if err := <-a.closed; errors.Is(err, os.ErrDeadlineExceeded) { // by then all of it has been read, however busy the machine is
				t.Error("400,000 times, and the connection is still open")
			}
			get(t, l, "/")
		})
	}
}

// What is much but real goes on: bodies in tiny pieces, many requests on one connection, a few that are abandoned.
func TestBusyClientIsNoFlood(t *testing.T) {
	l, _ := serve(t, edge.Settings{H2C: true}, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || r.Method == "POST" && n != 1_000_000 {
			t.Errorf("read %d bytes: %v", n, err)
		}
	})
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols, MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport, Timeout: patience}
	url := "http://" + l.Addr().String()
	for range 500 {
		resp, err := c.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	for range 5 {
		resp, err := c.Post(url, "", io.LimitReader(crumbs{}, 1_000_000))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if s := l.Snapshot(); s.Floods != 0 || s.Accepted != 1 {
		t.Errorf("%d floods on %d connections, want 0 on 1", s.Floods, s.Accepted)
	}
}

// crumbs gives 50 bytes at a time.
type crumbs struct{}

func (crumbs) Read(p []byte) (int, error) { return min(len(p), 50), nil }
