package edge_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"triage/proxy/edge"
)

// TestRefusedRequests sends what must not reach the handler, and sees that the connection ends and the server lives on.
func TestRefusedRequests(t *testing.T) {
	const host = "Host: a\r\n"
	fields := func(n int) string { return strings.Repeat("X-F: 1\r\n", n) }
	tests := []struct {
		name, request string
		want          int
		ours          bool
	}{
		{"connect", "CONNECT a:443 HTTP/1.1\r\n" + host + "\r\n", 405, true},
		{"connect with a body", "CONNECT a:443 HTTP/1.1\r\n" + host + "Content-Length: 30\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n....", 405, true},
		{"connect to a path", "CONNECT /x HTTP/1.1\r\n" + host + "\r\n", 405, true},
		{"trace", "TRACE / HTTP/1.1\r\n" + host + "Cookie: a=b\r\n\r\n", 405, true},
		{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true},
		{"opaque target", "GET mailto:a HTTP/1.1\r\n" + host + "\r\n", 400, true},
		{"501 fields", "GET / HTTP/1.1\r\n" + host + fields(501) + "\r\n", 431, false},
		{"1 MB of header", "GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431, false},
		{"1 MB of target", "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\n" + host + "\r\n", 431, false},
		{"two lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, false},
		{"signed length", "POST / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\na", 400, false},
		{"both framings", "POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400, true},
		{"chunks in HTTP/1.0", "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400, true},
		{"two lengths that are alike", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400, true},
		{"another authority", "GET http://b/ HTTP/1.1\r\n" + host + "\r\n", 400, true},
		{"list of lengths", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\na", 400, false},
		{"unknown coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, false},
		{"hidden coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n", 501, false},
		{"two codings", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 501, false},
		{"space before colon", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n", 400, false},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400, false},
		{"two hosts", "GET / HTTP/1.1\r\n" + host + "Host: b\r\n\r\n", 400, false},
		{"bad host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, false},
		{"control character", "GET / HTTP/1.1\r\n" + host + "X: a\x01b\r\n\r\n", 400, false},
		{"bare CR", "GET / HTTP/1.1\r\n" + host + "X: a\rY: b\r\n\r\n", 400, false},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, false},
		{"HTTP/3", "GET / HTTP/3.0\r\n" + host + "\r\n", 505, false},
	}
	l, _ := serve(t, edge.Settings{}, unreached(t))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := l.Snapshot().Refused
			c := dial(t, l)
			go c.send(tt.request)
			resp, _ := c.response("GET")
			if resp.StatusCode != tt.want {
				t.Errorf("%s, want %d", resp.Status, tt.want)
			}
			if !resp.Close {
				t.Error("the response does not say that the connection is closed")
			}
			if resp.StatusCode == 405 && resp.Header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if got := l.Snapshot().Refused - before; tt.ours && got != 1 {
				t.Errorf("counted as refused %d times, want once", got)
			}
			if c.Conn.(interface{ CloseWrite() error }).CloseWrite() == nil {
				_, _ = io.Copy(io.Discard, c.r)
			}
		})
	}
}

func TestHeaderLimitIsTheTotal(t *testing.T) {
	const limit = 8 << 10
	l, _ := serve(t, edge.Settings{MaxHeader: limit}, hello)
	for _, tt := range []struct{ size, want int }{{limit - 1, 200}, {limit, 200}, {limit + 1, 431}} {
		head := "GET / HTTP/1.1\r\nHost: a\r\nX: "
		c := dial(t, l)
		c.send(head + strings.Repeat("x", tt.size-len(head)-4) + "\r\n\r\n")
		if resp, _ := c.response("GET"); resp.StatusCode != tt.want {
			t.Errorf("a header of %d bytes at a limit of %d: %s, want %d", tt.size, limit, resp.Status, tt.want)
		}
	}
}

func TestFiveHundredFieldsPass(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, hello)
	c := dial(t, l)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X-F: 1\r\n", 499) + "\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 200 {
		t.Errorf("499 fields and Host: %s, want 200", resp.Status)
	}
}

// echo says what the handler sees.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s host=%s upgrade=%q connection=%q settings=%q cl=%d te=%q body=%q err=%v",
		r.Method, r.URL.RequestURI(), r.Host, r.Header["Upgrade"], r.Header["Connection"], r.Header["Http2-Settings"],
		r.ContentLength, r.TransferEncoding, body, err)
}

func TestWhatTheHandlerSees(t *testing.T) {
	tests := []struct {
		name, request, want string
		close               bool
	}{
		{"plain", "GET /a?b=1;c HTTP/1.1\r\nHost: a\r\n\r\n",
			`GET /a?b=1;c host=a upgrade=[] connection=[] settings=[] cl=0 te=[] body="" err=<nil>`, false},
		{"h2c", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
			`GET / host=a upgrade=[] connection=[] settings=[] cl=0 te=[] body="" err=<nil>`, false},
		{"h2c, more options", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, X-Own\r\nUpgrade: H2C, foo\r\n\r\n",
			`GET / host=a upgrade=[] connection=["X-Own"] settings=[] cl=0 te=[] body="" err=<nil>`, false},
		{"websocket", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n",
			`GET / host=a upgrade=["websocket"] connection=["keep-alive, Upgrade"] settings=[] cl=0 te=[] body="" err=<nil>`, false},
		{"websocket or h2c", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: x\r\n\r\n",
			`GET / host=a upgrade=["websocket"] connection=["upgrade"] settings=[] cl=0 te=[] body="" err=<nil>`, false},
		{"websocket over HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
			`GET / host=a upgrade=[] connection=[] settings=[] cl=0 te=[] body="" err=<nil>`, true},
		{"absolute form", "GET http://A.example/x?y HTTP/1.1\r\nHost: a.example\r\n\r\n",
			`GET /x?y host=A.example upgrade=[] connection=[] settings=[] cl=0 te=[] body="" err=<nil>`, false},
		{"options of the server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
			`OPTIONS * host=a upgrade=[] connection=[] settings=[] cl=0 te=[] body="" err=<nil>`, false},
		{"chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			`POST / host=a upgrade=[] connection=[] settings=[] cl=-1 te=["chunked"] body="abc" err=<nil>`, false},
		// What is only odd is served, and then the connection ends.
		{"a chunk extension", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
			`POST / host=a upgrade=[] connection=[] settings=[] cl=-1 te=["chunked"] body="abc" err=<nil>`, true},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n",
			`GET / host=a upgrade=[] connection=[] settings=[] cl=0 te=[] body="" err=<nil>`, true},
		{"a fold", "GET / HTTP/1.1\r\nHost: a\r\nX-F: 1\r\n 2\r\n\r\n",
			`GET / host=a upgrade=[] connection=[] settings=[] cl=0 te=[] body="" err=<nil>`, true},
		{"bad chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
			`POST / host=a upgrade=[] connection=[] settings=[] cl=-1 te=["chunked"] body="" err=invalid byte in chunk length`, true},
		{"chunk size overflow", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
			`POST / host=a upgrade=[] connection=[] settings=[] cl=-1 te=["chunked"] body="" err=http chunk length too large`, true},
		{"small body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
			`POST / host=a upgrade=[] connection=[] settings=[] cl=3 te=[] body="abc" err=<nil>`, false},
		{"asked for", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
			`POST / host=a upgrade=[] connection=[] settings=[] cl=3 te=[] body="abc" err=<nil>`, false},
	}
	l, _ := serve(t, edge.Settings{}, echo)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, l)
			c.send(tt.request)
			resp, body := c.response("GET")
			for resp.StatusCode == http.StatusContinue {
				resp, body = c.response("GET")
			}
			if body != tt.want {
				t.Errorf("the handler sees\n%s, want\n%s", body, tt.want)
			}
			if resp.Close != tt.close {
				t.Errorf("the connection is closed: %v, want %v", resp.Close, tt.close)
			}
			if tt.close {
				_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
				c.wantClosed()
				return
			}
			c.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
			if _, body := c.response("GET"); !strings.HasPrefix(body, "GET /next ") {
				t.Errorf("the next request on the connection is %q, want GET /next", body)
			}
		})
	}
}

// TestBrokenBodyInFullDuplex: net/http does not look at the body before it sends the header, so that what is left of a
// broken one must be kept from being read as a request.
func TestBrokenBodyInFullDuplex(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprintf("header before the body is %v", early), func(t *testing.T) {
			l, _ := serve(t, edge.Settings{}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/smuggled" {
					t.Error("the rest of a broken body was read as a request")
				}
				if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
					t.Error(err)
				}
				if early {
					w.WriteHeader(http.StatusOK)
					w.(http.Flusher).Flush()
				}
				if _, err := io.ReadAll(r.Body); err == nil {
					t.Error("the broken body was read without an error")
				}
			})
			c := dial(t, l)
			c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadAll(resp.Body); early && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("reading the response: %v, want it to break off", err)
			}
			if !early && !resp.Close {
				t.Error("the response does not say that the connection is closed")
			}
			c.wantClosed()
		})
	}
}

func TestHijack(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer c.Close()
			io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
			rw.Flush()
			io.Copy(c, rw)
		}()
	})
	c := dial(t, l)
	c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
	if resp, err := http.ReadResponse(c.r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v, want 101", resp, err)
	}
	c.send("ping")
	got := make([]byte, 4)
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != "ping" {
		t.Fatalf("%q, %v, want the echo", got, err)
	}
	if n := l.Connections(); n != 1 {
		t.Errorf("%d connections while one is hijacked, want 1", n)
	}
	c.Close()
	eventually(t, "the hijacked connection to be given back", func() bool { return l.Connections() == 0 })
}

func TestHijackIsNotForHTTP2(t *testing.T) {
	l, _ := serve(t, edge.Settings{TLS: pemFiles(t, t.TempDir(), "a.example")}, func(w http.ResponseWriter, _ *http.Request) {
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack = %v, want http.ErrNotSupported", err)
		}
	})
	resp, err := over2(t).Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}
