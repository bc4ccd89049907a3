package forward_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// seen is an endpoint that gives back the header it got, and answers with the given one.
func seen(t *testing.T, answer string) (fr *front, header chan string) {
	t.Helper()
	header = make(chan string, 1)
	u := endpoint(t, func(_ int, c *wire) {
		header <- c.header()
		c.say("%s", answer)
		c.rest()
	})
	return newFront(t, forward.Settings{}, forward.Target{URL: u}), header
}

const empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

func TestRequestHeader(t *testing.T) {
	rows := []struct {
		name, line, fields string
		has, lacks         []string
	}{
		{"as it came", "GET /a/b?x=1", "Accept: a\r\nAccept: b\r\nCookie: c=d", []string{"GET /a/b?x=1 HTTP/1.1\r\n", "Host: shop\r\n", "Accept: a\r\nAccept: b\r\n", "Cookie: c=d\r\n"}, []string{"user-agent", "accept-encoding", "x-forwarded"}},
		{"query with semicolons", "GET /?a=1;b=2&c=%zz", "A: b", []string{"GET /?a=1;b=2&c=%zz HTTP"}, nil},
		{"empty query", "GET /a?", "A: b", []string{"GET /a? HTTP"}, nil},
		{"escaped path", "GET /a%20b/%C3%A9/c%2Cd", "A: b", []string{"GET /a%20b/%C3%A9/c%2Cd HTTP"}, nil},
		{"double slash", "GET //a//b", "A: b", []string{"GET //a//b HTTP"}, nil},
		{"whole server", "OPTIONS *", "A: b", []string{"OPTIONS * HTTP"}, nil},
		{"hop by hop", "GET /", "Keep-Alive: 5\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nTE: gzip\r\nTrailer: z\r\nHTTP2-Settings: q", nil, []string{"keep-alive", "proxy-", "te:", "trailer", "connection", "http2-settings"}},
		{"named by connection", "GET /", "Connection: x-one, X-Two\r\nConnection: x-three\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nX-Four: 4", []string{"X-Four: 4"}, []string{"x-one", "x-two", "x-three", "connection"}},
		{"what proxies add cannot be named away", "GET /", "Connection: X-Forwarded-For, x-forwarded-proto, Host, Via, Forwarded, X-Request-Id, X-Triage-Class\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nVia: 1.1 me\r\nForwarded: for=x\r\nX-Request-Id: r\r\nX-Triage-Class: c",
			[]string{"Host: shop", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "Via: 1.1 me", "Forwarded: for=x", "X-Request-Id: r", "X-Triage-Class: c"}, []string{"connection"}},
		{"te trailers", "GET /", "TE: gzip, trailers\r\nConnection: TE", []string{"Te: trailers\r\n", "Connection: TE\r\n"}, []string{"gzip"}},
		{"user agent", "GET /", "User-Agent: me/1", []string{"User-Agent: me/1"}, nil},
		{"upgrade to something else", "GET /", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", nil, []string{"upgrade", "h2c", "settings"}},
		{"upgrade to one of several", "GET /", "Connection: Upgrade\r\nUpgrade: websocket, h2c", nil, []string{"upgrade", "websocket"}},
		{"upgrade of a post", "POST /", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0", []string{"Content-Length: 0"}, []string{"upgrade", "websocket"}},
		{"upgrade without connection", "GET /", "Upgrade: websocket", nil, []string{"upgrade", "websocket"}},
		{"expectation", "POST /", "Expect: 100-continue\r\nContent-Length: 0", nil, []string{"expect"}},
		{"idempotency key", "POST /", "Idempotency-Key: k\r\nContent-Length: 0", []string{"idempotency-key: k"}, nil},
		{"length and chunks", "POST /", "Content-Length: 4\r\nTransfer-Encoding: chunked", []string{"Transfer-Encoding: chunked"}, []string{"content-length"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			fr, header := seen(t, empty)
			c := fr.client()
			c.say("%s HTTP/1.1\r\nHost: shop\r\n%s\r\n\r\n0\r\n\r\n", row.line, row.fields)
			got := take(t, header)
			wantContains(t, "request", got, row.has...)
			wantLacks(t, "request", got, row.lacks...)
		})
	}
}

func TestHostOfTheTarget(t *testing.T) {
	header := make(chan string, 1)
	u := endpoint(t, func(_ int, c *wire) { header <- c.header(); c.say(empty) })
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u, Host: "inner.example"})
	fr.exchange(get)
	wantContains(t, "request", take(t, header), "Host: inner.example\r\n")
}

func TestResponseHeader(t *testing.T) {
	rows := []struct {
		name, method, answer string
		has, lacks           []string
	}{
		{"as it came", "GET", "HTTP/1.1 201 Sure\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 1\r\n\r\nx",
			[]string{"HTTP/1.1 201 Created\r\n", "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n", "Date: Mon, 01 Jan 2024 00:00:00 GMT", "\r\n\r\nx"}, []string{"content-type", "transfer-encoding"}},
		{"hop by hop", "GET", "HTTP/1.1 200 OK\r\nConnection: keep-alive, x-one\r\nX-One: 1\r\nKeep-Alive: 3\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n", nil, []string{"x-one", "keep-alive: 3", "proxy-", "upgrade"}},
		{"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: e\r\n\r\n", []string{"Content-Length: 5\r\n", "Etag: e"}, nil},
		{"head of chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", []string{"200 OK"}, []string{"content-length"}},
		{"no content", "GET", "HTTP/1.1 204 No Content\r\n\r\n", []string{"204 No Content"}, []string{"content-length", "transfer-encoding"}},
		{"not modified", "GET", "HTTP/1.1 304 Not Modified\r\nETag: e\r\n\r\n", []string{"304 Not Modified", "Etag: e"}, []string{"transfer-encoding"}},
		{"unknown status", "GET", "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n", []string{"HTTP/1.1 799 "}, nil},
		{"http/1.0 endpoint, body until close", "GET", "HTTP/1.0 200 OK\r\n\r\nabc", []string{"HTTP/1.1 200 OK\r\n", "\r\nabc"}, nil},
		{"not decompressed", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", []string{"Content-Encoding: gzip", "\r\n\r\nabc"}, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			u := endpoint(t, func(_ int, c *wire) { c.header(); c.say("%s", row.answer) })
			fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
			got, err := fr.exchange(row.method + " / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n")
			if err != nil {
				t.Error(err)
			}
			wantReason(t, fr.outcome(), reason.None)
			wantContains(t, "answer", got, row.has...)
			wantLacks(t, "answer", got, row.lacks...)
		})
	}
}

// TestHooks: OnHeader comes before Header, Header before the client, and fields that were there already stay.
func TestHooks(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 202 Accepted\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n\r\n")
	})
	var calls []string
	to := forward.Target{
		URL:      u,
		OnHeader: func(status int, _ time.Duration) { calls = append(calls, fmt.Sprint("arrived ", status)) },
		Header: func(h http.Header) {
			calls = append(calls, "header")
			h.Set("Proxy-Status", "triage; received-status=202")
		},
	}
	f, err := forward.New(forward.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	w := &recorder{header: http.Header{"Via": {"1.1 outer"}}}
	r, _ := http.NewRequest("GET", "/", nil)
	out := f.Forward(w, r, to)
	f.Close()
	wantReason(t, out, reason.None)
	if got, want := fmt.Sprint(calls, w.log), "[arrived 202 header] [103 map[Link:[</a>]] 202 map[Content-Length:[0] Content-Type:[] Proxy-Status:[triage; received-status=202] Via:[1.1 outer 1.1 inner]]]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// recorder is a writer without any of net/http's extras: no flush, no deadlines, no hijack.
type recorder struct {
	header http.Header
	log    []string
	body   strings.Builder
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }
func (w *recorder) WriteHeader(code int)        { w.log = append(w.log, fmt.Sprint(code, " ", w.header)) }

// TestPlainWriter: a writer without extras works, for whole exchanges and for broken ones.
func TestPlainWriter(t *testing.T) {
	f, err := forward.New(forward.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u := endpoint(t, answerAll)
	for _, body := range []io.Reader{nil, strings.NewReader("abc"), io.MultiReader(strings.NewReader("abc"))} {
		w := &recorder{header: http.Header{}}
		r, _ := http.NewRequest("POST", "/", body)
		out := f.Forward(w, r, forward.Target{URL: u})
		wantReason(t, out, reason.None)
		if w.body.String() != "ok" || out.BytesOut != 2 {
			t.Errorf("body %q, %d bytes", w.body.String(), out.BytesOut)
		}
	}
}

func TestNewRefusesNegativeSettings(t *testing.T) {
	for _, s := range []forward.Settings{{ConnectTimeout: -1}, {IdleTimeout: -1}, {IdleConnections: -1}} {
		s.Name = "shop"
		if _, err := forward.New(s); err == nil || !strings.Contains(err.Error(), `"shop"`) {
			t.Errorf("New(%+v) = %v; want an error that names the upstream", s, err)
		}
	}
}
