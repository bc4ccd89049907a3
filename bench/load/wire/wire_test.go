package wire_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/bench/load/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange sends one request and waits for its end.
func exchange(t *testing.T, c interface{ Send(*wire.Exchange) }, e *wire.Exchange) *wire.Exchange {
	t.Helper()
	done := make(chan struct{})
	e.Done = func(*wire.Exchange) { close(done) }
	if e.Deadline.IsZero() {
		e.Deadline = time.Now().Add(30 * time.Second)
	}
	c.Send(e)
	<-done
	return e
}

func get(path string) *wire.Exchange {
	return &wire.Exchange{Request: []byte("GET " + path + " HTTP/1.1\r\nHost: shop\r\n\r\n"), Safe: true}
}

// raw serves each connection with a function of the test's own.
func raw(t *testing.T, serve func(n int, nc net.Conn, in *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for n := 0; ; n++ {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer nc.Close()
				serve(n, nc, bufio.NewReader(nc))
			})
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr().String()
}

// request reads a request without a body; false at the end.
func request(in *bufio.Reader) bool {
	r, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil
}

func TestAnswersInAllFramings(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		for _, c := range []struct {
			name, answer string
			head         bool
			want         wire.Answer
			err          string
			keeps        bool
		}{
			{name: "a length", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", want: wire.Answer{Status: 200, Bytes: 5}, keeps: true},
			{name: "nothing", answer: "HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", want: wire.Answer{Status: 200}, keeps: true},
			{name: "chunks", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n3\r\nyou\r\n0\r\nTrailer: x\r\n\r\n", want: wire.Answer{Status: 200, Bytes: 8}, keeps: true},
			{name: "until the end", answer: "HTTP/1.1 200 OK\r\n\r\nhello", want: wire.Answer{Status: 200, Bytes: 5}},
			{name: "it closes", answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", want: wire.Answer{Status: 200, Bytes: 5}},
			{name: "HTTP/1.0", answer: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", want: wire.Answer{Status: 200, Bytes: 5}},
			{name: "no content", answer: "HTTP/1.1 204 No Content\r\n\r\n", want: wire.Answer{Status: 204}, keeps: true},
			{name: "HEAD", head: true, answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", want: wire.Answer{Status: 200}, keeps: true},
			{name: "100 before", answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", want: wire.Answer{Status: 200, Bytes: 1}, keeps: true},
			{name: "a refusal", answer: "HTTP/1.1 503 No\r\nProxy-Status: triage; details=\"limit\"\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n",
				want: wire.Answer{Status: 503, ProxyStatus: `triage; details="limit"`, RetryAfter: "2"}, keeps: true},
			{name: "a long body", answer: "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("x", 300000), want: wire.Answer{Status: 200, Bytes: 300000}, keeps: true},
			{name: "a long header", answer: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20000) + "\r\nContent-Length: 1\r\n\r\nx", want: wire.Answer{Status: 200, Bytes: 1}, keeps: true},
			{name: "half a body", answer: "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", err: "unexpected EOF"},
			{name: "half a chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", err: "unexpected EOF"},
			{name: "half a header", answer: "HTTP/1.1 200 OK\r\nContent-Le", err: "unexpected EOF"},
			{name: "no chunk size", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n", err: "no HTTP/1.1"},
			{name: "no HTTP", answer: "220 mail.example ESMTP\r\n\r\n", err: "no HTTP/1.1"},
			{name: "a length that is none", answer: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", err: "no HTTP/1.1"},
			{name: "a header without an end", answer: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100000), err: "longer than 65536 bytes"},
			{name: "nothing at all", answer: "", err: "EOF"},
		} {
			t.Run(c.name, func(t *testing.T) {
				address := raw(t, func(_ int, nc net.Conn, in *bufio.Reader) {
					for range 2 {
						if !request(in) {
							return
						}
						io.WriteString(nc, c.answer)
						if !c.keeps {
							return
						}
					}
				})
				cl := client(t, wire.Settings{Address: address})
				for range 2 {
					e := get("/")
					e.Head, e.Safe = c.head, false
					exchange(t, cl, e)
					if c.err != "" {
						if e.Err == nil || !strings.Contains(e.Err.Error(), c.err) {
							t.Fatalf("got %v, want an error with %q", e.Err, c.err)
						}
						return
					}
					if e.Err != nil || e.Answer != c.want {
						t.Fatalf("got %+v, %v, want %+v", e.Answer, e.Err, c.want)
					}
				}
				if _, opened := cl.Connections(); opened != map[bool]uint64{true: 1, false: 2}[c.keeps] {
					t.Errorf("two requests took %d connections, want them to be kept: %v", opened, c.keeps)
				}
			})
		}
	})
}

func TestKeepsAField(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		address := raw(t, func(_ int, nc net.Conn, in *bufio.Reader) {
			for request(in) {
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nx-origin: shop\r\nContent-Length: 0\r\n\r\n")
			}
		})
		for name, want := range map[string]string{"X-Origin": "shop", "X-Other": "", "": ""} {
			if e := exchange(t, client(t, wire.Settings{Address: address, Keep: name}), get("/")); e.Err != nil || e.Answer.Kept != want {
				t.Errorf("%q: got %+v, %v, want %q", name, e.Answer, e.Err, want)
			}
		}
	})
}

func TestDeadlines(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		release := make(chan struct{})
		address := raw(t, func(_ int, nc net.Conn, in *bufio.Reader) {
			for {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				if r.URL.Path == "/half" {
					io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx") // and the rest never
					<-release
					return
				}
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxx")
			}
		})
		defer close(release)
		cl := client(t, wire.Settings{Address: address})
		if e := exchange(t, cl, get("/")); e.Err != nil {
			t.Fatal(e.Err)
		}
		e := get("/half")
		e.Deadline = time.Now().Add(50 * time.Millisecond) // earlier than the one that is set already
		if exchange(t, cl, e); e.Err != wire.ErrDeadline {
			t.Fatalf("got %v, want %v", e.Err, wire.ErrDeadline)
		}
		if time.Now().Before(e.Deadline) {
			t.Error("it ended before its deadline")
		}
		if e := exchange(t, cl, get("/")); e.Err != nil { // on a connection of its own
			t.Fatal(e.Err)
		}
	})
}

func TestATimerThatIsTooEarly(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		address := raw(t, func(_ int, nc net.Conn, in *bufio.Reader) {
			for n := 0; request(in); n++ {
				if n == 1 {
					time.Sleep(150 * time.Millisecond)
				}
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		for range 20 { // a machine that is busy may miss the first one's deadline
			cl := client(t, wire.Settings{Address: address})
			first := get("/")
			first.Deadline = time.Now().Add(100 * time.Millisecond)
			if exchange(t, cl, first); first.Err != nil {
				continue
			}
			if e := exchange(t, cl, get("/")); e.Err != nil {
				t.Errorf("got %v, want no trace of the first one's deadline", e.Err)
			}
			if _, opened := cl.Connections(); opened != 1 {
				t.Errorf("%d connections, want 1", opened)
			}
			return
		}
		t.Error("not one request was answered within 100 ms")
	})
}

func TestAClosedKeptConnection(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		// The first connection answers once, and is closed as soon as the second request has come.
		serve := func(n int, nc net.Conn, in *bufio.Reader) {
			for i := 0; request(in); i++ {
				if n == 0 && i == 1 {
					return
				}
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}
		for _, safe := range []bool{true, false} {
			t.Run(fmt.Sprint(safe), func(t *testing.T) {
				cl := client(t, wire.Settings{Address: raw(t, serve)})
				exchange(t, cl, get("/"))
				e := get("/")
				e.Safe = safe
				if exchange(t, cl, e); (e.Err == nil) != safe {
					t.Errorf("got %v; want it sent again if that is safe", e.Err)
				}
			})
		}
	})
}

func TestLargeBodiesBothWays(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			w.Write(make([]byte, n))
		}))
		defer server.Close()
		cl := client(t, wire.Settings{Address: server.Listener.Addr().String()})
		const size = 5 << 20
		body := make([]byte, size)
		for range 2 {
			e := exchange(t, cl, &wire.Exchange{Request: fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size), Body: body})
			if e.Err != nil || e.Answer.Bytes != size {
				t.Fatalf("got %+v, %v, want %d bytes", e.Answer, e.Err, size)
			}
		}
		// Who wrote a large body may still be about to say so when the answer is there; then the next one gets a connection of its own.
		if _, opened := cl.Connections(); opened > 3 {
			t.Errorf("%d connections, want 1, and one more for each large body at the most", opened)
		}
	})
}

func TestOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") }))
	defer server.Close()
	address := server.Listener.Addr().String()
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig
	cl := client(t, wire.Settings{Address: address, TLS: &tls.Config{RootCAs: trusting.RootCAs, ServerName: "example.com"}})
	if e := exchange(t, cl, get("/")); e.Err != nil || e.Answer.Status != 200 {
		t.Errorf("got %+v, %v", e.Answer, e.Err)
	}
	if e := exchange(t, client(t, wire.Settings{Address: address, TLS: &tls.Config{}}), get("/")); e.Err == nil {
		t.Error("a server of an unknown authority was believed")
	}
}

func TestStreamsAreAnsweredByTheirHeader(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		release := make(chan struct{})
		address := raw(t, func(_ int, nc net.Conn, in *bufio.Reader) {
			for request(in) {
				io.WriteString(nc, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
				<-release
				io.WriteString(nc, "1\r\ny\r\n0\r\n\r\n")
			}
		})
		cl := client(t, wire.Settings{Address: address})
		e := get("/")
		e.Stream = true
		if exchange(t, cl, e); e.Err != nil || e.Answer.Status != 200 {
			t.Fatalf("got %+v, %v", e.Answer, e.Err)
		}
		close(release)
		exchange(t, cl, get("/"))
	})
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		came := make(chan struct{}, 10)
		address := raw(t, func(_ int, _ net.Conn, in *bufio.Reader) {
			request(in)
			came <- struct{}{}
			in.ReadByte() // until the client closes
		})
		cl := client(t, wire.Settings{Address: address})
		var ended atomic.Int32
		for range 10 {
			e := get("/")
			e.Deadline = time.Now().Add(time.Hour)
			e.Done = func(e *wire.Exchange) {
				if e.Err != nil {
					ended.Add(1)
				}
			}
			cl.Send(e)
		}
		for range 10 {
			<-came
		}
		cl.Close()
		if ended.Load() != 10 {
			t.Errorf("%d of 10 ended", ended.Load())
		}
		if e := exchange(t, cl, get("/")); e.Err == nil {
			t.Error("a closed client sent something")
		}
	})
}

func TestNobodyListens(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if e := exchange(t, client(t, wire.Settings{Address: l.Addr().String()}), get("/")); e.Err == nil {
			t.Error("got no error")
		}
	})
}

func TestManyAtOnceEndOnceEach(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/close" {
				w.Header().Set("Connection", "close")
			}
			io.WriteString(w, "x")
		}))
		defer server.Close()
		cl := client(t, wire.Settings{Address: server.Listener.Addr().String()})
		var ended, failed atomic.Int32
		var all sync.WaitGroup
		const senders, each = 20, 100
		for range senders {
			for i := range each {
				all.Add(1)
				e := get([]string{"/", "/", "/", "/close"}[i%4])
				e.Deadline = time.Now().Add(time.Minute)
				e.Done = func(e *wire.Exchange) {
					ended.Add(1)
					if e.Err != nil || e.Answer.Status != 200 {
						failed.Add(1)
					}
					all.Done()
				}
				go cl.Send(e)
			}
		}
		all.Wait()
		if ended.Load() != senders*each || failed.Load() != 0 {
			t.Errorf("%d ended, %d failed, want %d and 0", ended.Load(), failed.Load(), senders*each)
		}
	})
}

func TestServerReadsBodies(t *testing.T) {
	ways(t, func(t *testing.T, client opener) {
		s, err := wire.Listen("127.0.0.1:0", 3)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		cl := client(t, wire.Settings{Address: s.Address()})
		for _, size := range []int{0, 10, 100_000, 3 << 20} {
			e := &wire.Exchange{Request: fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size), Body: make([]byte, size)}
			if exchange(t, cl, e); e.Err != nil || e.Answer != (wire.Answer{Status: 200, Bytes: 3}) {
				t.Errorf("%d bytes: got %+v, %v", size, e.Answer, e.Err)
			}
		}
		// Who wrote a large body may still be about to say so when the answer is there; then the next one gets a connection of its own.
		if _, opened := cl.Connections(); opened > 3 {
			t.Errorf("%d connections, want 1, and one more for each large body at the most", opened)
		}
	})
}
