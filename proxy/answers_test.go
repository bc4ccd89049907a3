package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answering is one lane before an endpoint that answers /a with bytes as they are, and anything else as it should.
type answering struct {
	address string
	bytes   atomic.Pointer[[]byte]
	// ends has it close the connection after them.
	ends atomic.Bool
}

const lastAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast"

func newAnswering(t testing.TB, fast bool) *answering {
	a := &answering{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go a.serve(c)
		}
	}()
	a.address = laneBefore(t, &url.URL{Scheme: "http", Host: l.Addr().String()}, fast, 100*time.Millisecond)
	return a
}

func (a *answering) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if request.URL.Path != "/a" {
			_, _ = io.WriteString(c, lastAnswer)
			continue
		}
		_, _ = c.Write(*a.bytes.Load())
		if a.ends.Load() {
			return
		}
	}
}

// passed is what a client got for an answer.
type passed struct {
	status int
	fields string
	body   string
	whole  bool
}

// ask asks for /a and then for something else, on the same connection if it is kept. after is what came for that.
func (a *answering) ask(t testing.TB, text []byte, ends bool) (got passed, after string) {
	a.bytes.Store(&text)
	a.ends.Store(ends)
	c, r := a.dial(t)
	defer func() { c.Close() }()
	response, err := asked(c, r, "/a")
	for err == nil && response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
		response, err = http.ReadResponse(r, nil)
	}
	if err == nil {
		var body []byte
		body, err = io.ReadAll(response.Body)
		got = passed{response.StatusCode, fieldsOf(response), string(body), err == nil}
	}
	if err != nil || response.Close {
		c.Close()
		c, r = a.dial(t)
	}
	if response, err = asked(c, r, "/last"); err != nil {
		return got, err.Error()
	}
	body, err := io.ReadAll(response.Body)
	return got, fmt.Sprint(response.StatusCode, " ", string(body), err)
}

func (a *answering) dial(t testing.TB) (net.Conn, *bufio.Reader) {
	c, err := net.Dial("tcp", a.address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c, bufio.NewReader(c)
}

func asked(c net.Conn, r *bufio.Reader, path string) (*http.Response, error) {
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path); err != nil {
		return nil, err
	}
	return http.ReadResponse(r, nil)
}

// fieldsOf are those that do not differ for each answer, trailers included.
func fieldsOf(r *http.Response) string {
	h := r.Header.Clone()
	for _, own := range []string{"Date", "X-Request-Id", "Content-Length", "Proxy-Status"} {
		h.Del(own)
	}
	for name, values := range r.Trailer {
		h["trailer "+name] = values
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		out = append(out, fmt.Sprintf("%s=%q", name, h[name]))
	}
	return strings.Join(out, " ")
}

// answersAgree checks that an answer which the fast lane passes on whole is the one that the standard lane passes on, and that nothing of it is
// taken for the answer to what is asked next.
func answersAgree(t *testing.T, fast, standard *answering, text []byte, ends bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		why := answersDisagree(t, fast, standard, text, ends)
		if why == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s\n%q, ends %v", why, text, ends)
		}
	}
}

func answersDisagree(t *testing.T, fast, standard *answering, text []byte, ends bool) string {
	onFast, after := fast.ask(t, text, ends)
	if after != "200 last<nil>" {
		return fmt.Sprintf("after it the fast lane gave %q", after)
	}
	onStandard, _ := standard.ask(t, text, ends)
	if bytes.Contains(bytes.ToLower(text), []byte("connection")) {
		// net/http forgets what else Connection names where it says close, and lets that through.
		onFast.fields, onStandard.fields = "", ""
	}
	if onFast.whole && onFast.status != http.StatusBadGateway && onFast.status != http.StatusGatewayTimeout && onFast != onStandard {
		return fmt.Sprintf("fast     %+v\nstandard %+v", onFast, onStandard)
	}
	return ""
}

// answerSeeds are answers plain and odd.
var answerSeeds = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\nx-a: c\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
	"HTTP/1.1 200 OK\r\n\r\nuntil the end", "HTTP/1.0 200 OK\r\n\r\nuntil the end", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 199 What\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nConnection: close, X-Own\r\nX-Own: a\r\nKeep-Alive: 5\r\nTe: x\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nVia: 1.1 a\r\nServer: b\r\nX-Triage-A: c\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 \xe4\xf6\r\nX: \xe4 \t\r\nContent-Length: 0\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", "hello", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
}

// What the fast lane passes on of an endpoint's answers is what the standard lane passes on.
func TestAnswersAgree(t *testing.T) {
	fast, standard := newAnswering(t, true), newAnswering(t, false)
	for _, seed := range answerSeeds {
		for _, ends := range []bool{true, false} {
			answersAgree(t, fast, standard, []byte(seed), ends)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range answerSeeds {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	fast, standard := newAnswering(f, true), newAnswering(f, false)
	f.Fuzz(func(t *testing.T, text []byte, ends bool) {
		if len(text) > 8<<10 {
			return
		}
		answersAgree(t, fast, standard, bytes.Clone(text), ends)
	})
}
