package edge_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"triage/proxy/edge"
)

// limit is the deadline under test, rest a pause that is longer than the deadline with its slack, step one that is far
// shorter. soon is shorter than every deadline that a listener has by itself.
const (
	limit = 80 * time.Millisecond
	rest  = 160 * time.Millisecond
	step  = 15 * time.Millisecond
	soon  = 8 * time.Second
)

var quick = edge.Settings{Read: limit, Write: limit}

// within fails if f takes much longer than the deadline allows.
func within(t testing.TB, what string, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > soon {
		t.Errorf("%s took %v, want about %v", what, took, limit)
	}
}

func TestSlowHeaderIsCut(t *testing.T) {
	l, _ := serve(t, edge.Settings{ReadHeader: limit}, unreached(t))
	c := dial(t, l)
	c.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow")
	within(t, "cutting a slow header", func() {
		// net/http may say 400 first, and a header that nobody has looked at yet makes it a reset.
		if _, err := io.Copy(io.Discard, c.r); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})

	silent := dial(t, l)
	within(t, "cutting a client that says nothing", silent.wantClosed)
}

func TestSlowHandshakeIsCut(t *testing.T) {
	l, _ := serve(t, edge.Settings{ReadHeader: limit, TLS: pemFiles(t, t.TempDir(), "a.example")}, unreached(t))
	c := dial(t, l)
	within(t, "cutting a handshake that does not begin", c.wantClosed)
}

func TestIdleConnectionIsClosed(t *testing.T) {
	l, _ := serve(t, edge.Settings{Idle: limit}, hello)
	c := dial(t, l)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	c.response("GET")
	within(t, "closing an idle connection", c.wantClosed)
}

// eachProtocol runs the test over HTTP/1.1 and HTTP/2, until it goes well; the function it gets starts a server and sends one request.
func eachProtocol(t *testing.T, test func(t testing.TB, do func(h http.HandlerFunc, method string, body io.Reader) (*http.Response, error))) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			retried(t, func(t testing.TB) {
				test(t, func(h http.HandlerFunc, method string, body io.Reader) (*http.Response, error) {
					s, scheme, client := quick, "http", &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
					if proto == "HTTP/2.0" {
						s.TLS, scheme, client = pemFiles(t, t.TempDir(), "a.example"), "https", over2(t)
					}
					l, _ := serve(t, s, func(w http.ResponseWriter, r *http.Request) {
						if r.Proto != proto {
							t.Errorf("%s, want %s", r.Proto, proto)
						}
						h(w, r)
					})
					req, err := http.NewRequest(method, scheme+"://"+l.Addr().String(), body)
					if err != nil {
						t.Fatal(err)
					}
					return client.Do(req)
				})
			})
		})
	}
}

// slowly gives its pieces with a pause in front of each.
type slowly struct {
	pieces int
	pause  time.Duration
}

func (s *slowly) Read(p []byte) (int, error) {
	if s.pieces == 0 {
		return 0, io.EOF
	}
	s.pieces--
	time.Sleep(s.pause)
	return copy(p, "x"), nil
}

func TestUploadThatMovesLives(t *testing.T) {
	eachProtocol(t, func(t testing.TB, do func(http.HandlerFunc, string, io.Reader) (*http.Response, error)) {
		resp, err := do(func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		}, "POST", &slowly{pieces: int(2 * rest / step), pause: step})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, _ := io.ReadAll(resp.Body); string(got) != fmt.Sprint(int64(2*rest/step), nil) {
			t.Errorf("the handler read %s, want all of %d bytes", got, 2*rest/step)
		}
	})
}

func TestUploadThatStandsStillIsCut(t *testing.T) {
	eachProtocol(t, func(t testing.TB, do func(http.HandlerFunc, string, io.Reader) (*http.Response, error)) {
		stuck, release := io.Pipe()
		defer release.Close()
		go release.Write([]byte("x"))
		result := make(chan error, 1)
		within(t, "cutting the upload", func() {
			resp, err := do(func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				result <- err
			}, "POST", stuck)
			if err == nil {
				resp.Body.Close()
			}
			if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the handler's read = %v, want os.ErrDeadlineExceeded", err)
			}
		})
	})
}

// TestHandlerMayTakeItsTime: a handler that waits, for a slot or for the backend, longer than any deadline.
func TestHandlerMayTakeItsTime(t *testing.T) {
	eachProtocol(t, func(t testing.TB, do func(http.HandlerFunc, string, io.Reader) (*http.Response, error)) {
		resp, err := do(func(w http.ResponseWriter, r *http.Request) {
			one := make([]byte, 1)
			r.Body.Read(one)
			time.Sleep(rest)
			n, err := io.Copy(io.Discard, r.Body)
			time.Sleep(rest)
			fmt.Fprint(w, n, err, r.Context().Err())
		}, "POST", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, _ := io.ReadAll(resp.Body); string(got) != fmt.Sprint(int64(4), nil, nil) {
			t.Errorf("bytes, error, context: %s, want 4 and no error", got)
		}
	})
}

func TestStreamThatRestsLives(t *testing.T) {
	write := map[string]func(w http.ResponseWriter) error{
		"write and flush": func(w http.ResponseWriter) error {
			for range 3 {
				time.Sleep(rest)
				if _, err := io.WriteString(w, "x"); err != nil {
					return err
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return err
				}
			}
			return nil
		},
		"read from": func(w http.ResponseWriter) error {
			_, err := io.Copy(w, &slowly{pieces: 3, pause: rest})
			return err
		},
	}
	for name, stream := range write {
		t.Run(name, func(t *testing.T) {
			eachProtocol(t, func(t testing.TB, do func(http.HandlerFunc, string, io.Reader) (*http.Response, error)) {
				resp, err := do(func(w http.ResponseWriter, _ *http.Request) {
					if err := stream(w); err != nil {
						t.Error(err)
					}
				}, "GET", nil)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if got, err := io.ReadAll(resp.Body); string(got) != "xxx" || err != nil {
					t.Errorf("got %q, %v, want xxx", got, err)
				}
			})
		})
	}
}

func TestClientThatTakesNothingIsCut(t *testing.T) {
	eachProtocol(t, func(t testing.TB, do func(http.HandlerFunc, string, io.Reader) (*http.Response, error)) {
		result := make(chan error, 1)
		within(t, "cutting the client", func() {
			resp, err := do(func(w http.ResponseWriter, _ *http.Request) {
				page := make([]byte, 1<<20)
				for range 64 {
					if _, err := w.Write(page); err != nil {
						result <- err
						return
					}
				}
				result <- nil
			}, "GET", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if err := <-result; err == nil {
				t.Error("64 MiB were written to a client that reads nothing")
			}
		})
	})
}

func TestClientThatTakesSlowlyLives(t *testing.T) {
	retried(t, func(t testing.TB) {
		l, _ := serve(t, quick, func(w http.ResponseWriter, _ *http.Request) {
			page := bytes.Repeat([]byte("x"), 1<<20)
			for range 8 {
				if _, err := w.Write(page); err != nil {
					t.Error(err)
					return
				}
			}
		})
		c := dial(t, l)
		_ = c.Conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		start, total := time.Now(), int64(0)
		for {
			n, err := io.CopyN(io.Discard, resp.Body, 256<<10)
			if total += n; err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("after %d bytes: %v", total, err)
			}
			time.Sleep(step / 2)
		}
		if took := time.Since(start); total != 8<<20 || took < limit {
			t.Errorf("%d bytes in %v, want all of them, over more than %v", total, took, limit)
		}
	})
}
