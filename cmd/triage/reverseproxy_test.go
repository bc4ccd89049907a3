package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// What Go's own ReverseProxy is held to, where it can be seen from outside: the same must hold on both lanes.
func TestReverseProxyBehaviour(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testReverseProxyBehaviour)
}

// wonders is a backend with a page for each behaviour.
func wonders(gone chan<- string, goOn <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h, flush := w.Header(), http.NewResponseController(w).Flush
		switch r.URL.Path {
		case "/fields":
			for _, value := range []string{"one=1; Path=/", "two=2", "one=3"} {
				h.Add("Set-Cookie", value)
			}
			h["X-Many"] = []string{"b", "a", "b"}
			h.Set("Connection", "X-Hop, X-Other-Hop")
			h.Set("X-Hop", "stays here")
			h.Set("Keep-Alive", "timeout=5")
			h.Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(299)
			_, _ = io.WriteString(w, "fields")
		case "/stream":
			_, _ = io.WriteString(w, "first")
			_ = flush()
			<-goOn
			_, _ = io.WriteString(w, "last")
		case "/header":
			_ = flush()
			<-goOn
		case "/leave":
			_ = flush()
			<-r.Context().Done()
			gone <- "left"
		case "/hints":
			for i := range 3 {
				h.Set("Link", fmt.Sprintf("</%d>", i))
				w.WriteHeader(http.StatusEarlyHints)
			}
			h.Del("Link")
			_, _ = io.WriteString(w, "after hints")
		case "/trailers":
			h.Set("Trailer", "X-Announced")
			_, _ = io.WriteString(w, "with trailers")
			_ = flush()
			h.Set("X-Announced", "1")
			h.Set(http.TrailerPrefix+"X-Sudden", "2")
		case "/dies":
			h.Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "half")
			_ = flush()
			panic(http.ErrAbortHandler)
		case "/sum":
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "%d bytes, %v, length %d, coding %v", n, err, r.ContentLength, r.TransferEncoding)
		default:
			echo(w, r)
		}
	}
}

func testReverseProxyBehaviour(t *testing.T) {
	t.Parallel()
	gone, goOn := make(chan string, 1), make(chan struct{}, 1)
	r := start(t, conf("listen: {address: '127.0.0.1:0', trusted_proxies: [127.0.0.0/8]}", backend(t, wonders(gone, goOn)), everything))
	stranger := start(t, conf("", backend(t, echo), everything))
	ask := func(text string, args ...any) *wire {
		w := dial(t, r.url)
		w.say(strings.ReplaceAll(text, "\n", "\r\n")+"\r\n\r\n", args...)
		return w
	}

	t.Run("a hop's own fields end with it, both ways", func(t *testing.T) {
		got := ask("GET /x HTTP/1.1\nHost: some-name\nConnection: X-Mine, close\nConnection: X-Mine-Too\nX-Mine: 1\nX-Mine-Too: 2\nKeep-Alive: 3\nTE: trailers, deflate\nProxy-Connection: should be deleted\nProxy-Authorization: x\nX-Stays: 4").answer().seen(t)
		for _, name := range []string{"X-Mine", "X-Mine-Too", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization"} {
			if got.Header[name] != nil {
				t.Errorf("the backend got %s: %q", name, got.Header[name])
			}
		}
		if got.Host != "some-name" || got.Header.Get("X-Stays") != "4" || got.Header.Get("Te") != "trailers" {
			t.Errorf("the backend got host %q and %v", got.Host, got.Header)
		}
		a := ask("GET /fields HTTP/1.1\nHost: h").answer()
		if a.status != 299 || a.body != "fields" {
			t.Errorf("%d %q, want the backend's own", a.status, a.body)
		}
		if c, m := a.header["Set-Cookie"], a.header["X-Many"]; !slices.Equal(c, []string{"one=1; Path=/", "two=2", "one=3"}) || !slices.Equal(m, []string{"b", "a", "b"}) {
			t.Errorf("Set-Cookie %q, X-Many %q; want all in their order", c, m)
		}
		for _, name := range []string{"X-Hop", "Keep-Alive", "Proxy-Authenticate", "Connection"} {
			if a.header[name] != nil {
				t.Errorf("the client got %s: %q", name, a.header[name])
			}
		}
	})
	t.Run("an empty Connection is none", func(t *testing.T) {
		got := ask("GET /x HTTP/1.1\nHost: h\nConnection:\nConnection: ,\nX-Stays: 1").answer().seen(t)
		if got.Header["Connection"] != nil || got.Header.Get("X-Stays") != "1" {
			t.Errorf("the backend got %v", got.Header)
		}
	})
	t.Run("X-Forwarded-For grows at its end, if who sent it is trusted", func(t *testing.T) {
		got := ask("GET /x HTTP/1.1\nHost: h\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-For: 127.0.0.9").answer().seen(t)
		if value := strings.Join(got.Header["X-Forwarded-For"], ", "); value != "192.0.2.1, 127.0.0.9, 127.0.0.1" {
			t.Errorf("X-Forwarded-For %q", value)
		}
		got = call(t, "GET", stranger.url+"/x", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Forwarded-Host: other", "X-Forwarded-Proto: https").seen(t)
		if value := got.Header["X-Forwarded-For"]; !slices.Equal(value, []string{"127.0.0.1"}) || strings.Contains(got.Header.Get("Forwarded"), "192.0.2.1") || got.Header.Get("X-Forwarded-Proto") != "http" {
			t.Errorf("from a stranger the backend got %v", got.Header)
		}
	})
	t.Run("a query passes as it is", func(t *testing.T) {
		for _, query := range []string{"a=1&a=2;b=3", "a=%zz&b=3", "a=1;a=2", "?", "a=%3B&&b", "x=a+b%20c"} {
			if got := ask("GET /x?%s HTTP/1.1\nHost: h", query).answer().seen(t); got.URI != "/x?"+query {
				t.Errorf("asked for ?%s, the backend got %q", query, got.URI)
			}
		}
	})
	t.Run("what has come is sent on before the rest comes", func(t *testing.T) {
		w := ask("GET /stream HTTP/1.1\nHost: h")
		response, err := http.ReadResponse(w.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 5)
		if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "first" {
			t.Fatalf("%q, %v", first, err)
		}
		goOn <- struct{}{}
		if rest, err := io.ReadAll(response.Body); err != nil || string(rest) != "last" {
			t.Errorf("then %q, %v", rest, err)
		}
		w = ask("GET /header HTTP/1.1\nHost: h")
		if head := w.header(); !strings.HasPrefix(head, "HTTP/1.1 200 ") {
			t.Errorf("a header without a body as yet: %q", head)
		}
		goOn <- struct{}{}
	})
	t.Run("a client that leaves is told to the backend", func(t *testing.T) {
		w := ask("GET /leave HTTP/1.1\nHost: h")
		w.header()
		w.Close()
		select {
		case <-gone:
		case <-time.After(patience):
			t.Error("the backend goes on for nobody")
		}
	})
	t.Run("no body stays none, and a body stays whole", func(t *testing.T) {
		if got := ask("GET /sum HTTP/1.1\nHost: h").answer().body; got != "0 bytes, <nil>, length 0, coding []" {
			t.Errorf("a GET: the backend got %s", got)
		}
		big := string(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
		if got := send(t, http.DefaultClient, "POST", r.url+"/sum", big).body; got != "1048576 bytes, <nil>, length 1048576, coding []" {
			t.Errorf("a POST of a megabyte: the backend got %s", got)
		}
		if got := ask("POST /sum HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5\nhello\n0").answer().body; got != "5 bytes, <nil>, length -1, coding [chunked]" {
			t.Errorf("chunks: the backend got %s", got)
		}
	})
	t.Run("User-Agent is the client's", func(t *testing.T) {
		if got := ask("GET /x HTTP/1.1\nHost: h").answer().seen(t); got.Header["User-Agent"] != nil {
			t.Errorf("without one the backend got %q", got.Header["User-Agent"])
		}
		if got := ask("GET /x HTTP/1.1\nHost: h\nUser-Agent: explicit UA").answer().seen(t); got.Header.Get("User-Agent") != "explicit UA" {
			t.Errorf("the backend got %q", got.Header["User-Agent"])
		}
	})
	t.Run("informational answers come one by one, with their own fields", func(t *testing.T) {
		w := ask("GET /hints HTTP/1.1\nHost: h")
		for i := range 3 {
			if head := w.header(); !strings.HasPrefix(head, "HTTP/1.1 103 ") || !strings.Contains(head, fmt.Sprintf("Link: </%d>\r\n", i)) {
				t.Errorf("%d: %q", i, head)
			}
		}
		if a := w.answer(); a.status != 200 || a.header["Link"] != nil || a.body != "after hints" {
			t.Errorf("the final answer: %d %v %q", a.status, a.header, a.body)
		}
	})
	t.Run("trailers, announced and not", func(t *testing.T) {
		w := ask("GET /trailers HTTP/1.1\nHost: h\nTE: trailers\nConnection: TE")
		response, err := http.ReadResponse(w.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); string(body) != "with trailers" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		if response.Trailer.Get("X-Announced") != "1" || response.Trailer.Get("X-Sudden") != "2" {
			t.Errorf("trailers %v", response.Trailer)
		}
	})
	t.Run("an answer that breaks off does not look whole", func(t *testing.T) {
		if a := ask("GET /dies HTTP/1.1\nHost: h").answer(); a.err == nil || a.status != 0 && a.body != "half" {
			t.Errorf("%d %q, %v; want an error, after half at most", a.status, a.body, a.err)
		}
	})
}
