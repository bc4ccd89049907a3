package forward_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// TestResponseStreams: each piece is seen by the client before the next one is written.
func TestResponseStreams(t *testing.T) {
	rows := []struct {
		name, header string
		pieces       []string
		end          string
	}{
		{"sized", "Content-Length: 3", []string{"a", "b", "c"}, ""},
		{"chunked", "Transfer-Encoding: chunked", []string{"1\r\na\r\n", "1\r\nb\r\n"}, "0\r\n\r\n"},
		{"events", "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked", []string{"9\r\ndata: 1\n\n\r\n", "9\r\ndata: 2\n\n\r\n"}, "0\r\n\r\n"},
		{"until close", "A: b", []string{"a", "b"}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			next := make(chan string)
			u := endpoint(t, func(_ int, c *wire) {
				c.header()
				c.say("HTTP/1.1 200 OK\r\n%s\r\n\r\n", row.header)
				for piece := range next {
					c.say("%s", piece)
				}
			})
			fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
			c := fr.client()
			c.say(get)
			// The header comes by itself, before there is anything of a body.
			wantContains(t, "header", c.header(), "200 OK")
			for _, piece := range row.pieces {
				next <- piece
				want := piece
				if row.name == "until close" {
					want = "1\r\n" + piece + "\r\n"
				}
				if got := c.read(len(want)); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
			next <- row.end
			close(next)
			wantReason(t, fr.outcome(), reason.None)
		})
	}
}

// TestRequestStreams: each piece is seen by the endpoint before the next one is written.
func TestRequestStreams(t *testing.T) {
	rows := []struct {
		name, header string
		pieces       []string
	}{
		{"sized", "Content-Length: 2", []string{"a", "b"}},
		{"chunked", "Transfer-Encoding: chunked", []string{"1\r\na\r\n", "1\r\nb\r\n", "0\r\n\r\n"}},
	}
	for _, method := range []string{"POST", "GET"} {
		for _, row := range rows {
			t.Run(method+" "+row.name, func(t *testing.T) {
				got := make(chan string)
				u := endpoint(t, func(_ int, c *wire) {
					got <- c.header()
					for _, piece := range row.pieces {
						got <- c.read(len(piece))
					}
					c.say(empty)
				})
				fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
				c := fr.client()
				c.say("%s / HTTP/1.1\r\nHost: s\r\n%s\r\n\r\n", method, row.header)
				wantContains(t, "header", take(t, got), row.header)
				for _, piece := range row.pieces {
					c.say("%s", piece)
					if g := take(t, got); g != piece {
						t.Fatalf("got %q, want %q", g, piece)
					}
				}
				wantReason(t, fr.outcome(), reason.None)
			})
		}
	}
}

func TestResponseTrailers(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nTrailer: Grpc-Status, Set-Cookie\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\nX-Late: 1\r\n\r\n")
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
	got, _ := fr.exchange(get)
	wantContains(t, "answer", got, "Trailer: Grpc-Status\r\n", "\r\n2\r\nok\r\n0\r\n", "Grpc-Status: 0\r\n", "X-Late: 1\r\n")
	wantLacks(t, "answer", got, "content-length", "set-cookie")
}

func TestRequestTrailers(t *testing.T) {
	got := make(chan string, 1)
	u := endpoint(t, func(_ int, c *wire) {
		head := c.header()
		got <- head + c.header()
		c.say(empty)
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
	c := fr.client()
	c.say("POST / HTTP/1.1\r\nHost: s\r\nTrailer: X-Sum, X-Forwarded-For, bad name\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" +
		"X-Sum: 9\r\nX-Late: 1\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: me\r\nX-Triage-Class: critical\r\n\r\n")
	request := take(t, got)
	wantContains(t, "request", request, "Trailer: X-Sum\r\n", "\r\n2\r\nok\r\n0\r\n", "X-Sum: 9\r\n", "X-Late: 1\r\n")
	wantLacks(t, "request", request, "6.6.6.6", "authorization", "x-triage", "bad name")
	wantReason(t, fr.outcome(), reason.None)
}

func TestInformational(t *testing.T) {
	answer := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x-one\r\nX-One: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + empty
	t.Run("passes", func(t *testing.T) {
		fr, _ := seen(t, answer)
		got, _ := fr.exchange(get)
		wantContains(t, "answer", got, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
		wantLacks(t, "answer", got, "x-one")
	})
	t.Run("not to HTTP/1.0", func(t *testing.T) {
		fr, _ := seen(t, answer)
		got, _ := fr.exchange("GET / HTTP/1.0\r\nHost: s\r\n\r\n")
		wantContains(t, "answer", got, "HTTP/1.0 200 OK\r\n")
		wantLacks(t, "answer", got, " 103 ", " 100 ")
	})
}

// TestExpect: the client is asked for its body when, and only when, the endpoint is there to take it.
func TestExpect(t *testing.T) {
	const expecting = "POST / HTTP/1.1\r\nHost: s\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
	t.Run("endpoint is there", func(t *testing.T) {
		u := endpoint(t, func(_ int, c *wire) {
			c.header()
			// This and the proxy's own 100 are one to the client.
			c.say("HTTP/1.1 103 Early Hints\r\n\r\n")
			c.read(2)
			c.say(empty)
			c.rest()
		})
		fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
		c := fr.client()
		c.say(expecting)
		first := c.header() + c.header()
		wantContains(t, "first answers", first, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n")
		c.say("ab")
		wantContains(t, "answer", c.header(), "HTTP/1.1 200 OK")
		wantReason(t, fr.outcome(), reason.None)
	})
	t.Run("endpoint is not there", func(t *testing.T) {
		fr := newFront(t, forward.Settings{}, forward.Target{URL: parseURL(t, "http://no..such:80")})
		c := fr.client()
		c.say(expecting)
		got := c.header()
		wantContains(t, "answer", got, "HTTP/1.1 502")
		wantLacks(t, "answer", got, "100 continue")
	})
}

func TestOldClients(t *testing.T) {
	rows := []struct{ name, answer, want string }{
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "\r\n\r\nabc"},
		{"sized", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "\r\n\r\nabc"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			fr, header := seen(t, row.answer)
			got, err := fr.exchange("GET / HTTP/1.0\r\n\r\n")
			wantContains(t, "request", take(t, header), "GET / HTTP/1.1\r\n")
			if !strings.HasPrefix(got, "HTTP/1.0 200 OK\r\n") || !strings.HasSuffix(got, row.want) || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// TestStaleConnection: the endpoint closes a kept-alive connection as the next request arrives on it. Requests that are
// safe to repeat are, the others reach no endpoint twice.
func TestStaleConnection(t *testing.T) {
	rows := []struct {
		name, request string
		want          reason.Reason
		requests      int32
	}{
		{"get", "GET / HTTP/1.1\r\nHost: s\r\n\r\n", reason.None, 2},
		{"post", "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\nab", reason.UpstreamReset, 1},
		{"post without a body", "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n", reason.UpstreamReset, 1},
		{"post with a key", "POST / HTTP/1.1\r\nHost: s\r\nIdempotency-Key: k\r\nX-Idempotency-Key: k\r\nContent-Length: 0\r\n\r\n", reason.UpstreamReset, 1},
		{"get with a body", "GET / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\nab", reason.UpstreamReset, 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var requests atomic.Int32
			u := endpoint(t, func(nth int, c *wire) {
				if nth == 0 {
					c.header()
					c.say(empty)
				}
				if strings.HasPrefix(c.header(), strings.Fields(row.request)[0]) {
					requests.Add(1)
				}
				if nth > 0 {
					c.say(empty)
				}
			})
			fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
			c := fr.client()
			c.say("GET /first HTTP/1.1\r\nHost: s\r\n\r\n")
			c.header()
			wantReason(t, fr.outcome(), reason.None)
			c.say("%s", row.request)
			out := fr.outcome()
			wantReason(t, out, row.want)
			if got := requests.Load(); got != row.requests || !out.Sent {
				t.Errorf("%d requests arrived, sent %v; want %d, true", got, out.Sent, row.requests)
			}
		})
	}
}

// TestClosedIdleConnection: one that was closed long ago is not used at all.
func TestClosedIdleConnection(t *testing.T) {
	closed := make(chan bool)
	u := endpoint(t, func(_ int, c *wire) {
		if !strings.HasPrefix(c.header(), "GET") {
			c.read(2)
			c.say(empty)
			return
		}
		c.say(empty)
		c.Close()
		closed <- true
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
	pause := 5 * time.Millisecond
	retried(t, func() error { // it takes the proxy a moment to notice, however long that is
		c := fr.client()
		c.say("GET / HTTP/1.1\r\nHost: s\r\n\r\n")
		c.header()
		<-closed
		fr.outcome()
		time.Sleep(pause)
		pause = min(2*pause, 500*time.Millisecond)
		c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\nab")
		answer, out := c.header(), fr.outcome()
		if out.Reason != reason.None || !strings.Contains(answer, "200 OK") {
			return fmt.Errorf("%v (%v), answer %q; want 200", out.Reason, out.Err, answer)
		}
		return nil
	})
}

// TestHTTP2Client: the other server of net/http, with bodies, trailers and a client that leaves.
func TestHTTP2Client(t *testing.T) {
	u := endpoint(t, answerAll)
	fr := unstarted(t, forward.Settings{}, forward.Target{URL: u})
	fr.EnableHTTP2 = true
	fr.StartTLS()
	body := func() *strings.Reader { return strings.NewReader(strings.Repeat("x", 100000)) }
	res, err := fr.Client().Post(fr.URL, "text/plain", body())
	if err != nil || res.ProtoMajor != 2 || res.StatusCode != 200 {
		t.Fatalf("answer = %v, %v", res, err)
	}
	res.Body.Close()
	if out := fr.outcome(); out.BytesIn != 100000 || out.BytesOut != 2 {
		t.Errorf("bytes in %d, out %d", out.BytesIn, out.BytesOut)
	}
	req, _ := http.NewRequest("POST", fr.URL, failing{})
	if _, err := fr.Client().Do(req); err == nil {
		t.Error("no error for a request that was given up")
	}
	wantReason(t, fr.outcome(), reason.ClientGone)
}

// failing is a body that breaks after its first bytes.
type failing struct{}

func (failing) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return copy(p, "abc"), http.ErrContentLength
}
