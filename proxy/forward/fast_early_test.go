package forward_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// counted tells how much of a reader was read.
type counted struct {
	io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// An endpoint begins to answer while it takes nothing, and takes the rest of the body then: nothing of that is lost on the way.
func TestCarryEarlyAnswerLosesNothing(t *testing.T) {
	const size = 12 << 20
	want := sha256.New()
	_, _ = io.Copy(want, noise(size))
	for _, framing := range []string{fmt.Sprintf("Content-Length: %d", size), "Transfer-Encoding: chunked"} {
		t.Run(framing, func(t *testing.T) {
			body, begun, got := &counted{Reader: noise(size)}, make(chan struct{}), make(chan string, 1)
			u := endpoint(t, func(_ int, c *wire) {
				request, err := http.ReadRequest(c.r)
				if err != nil {
					return
				}
				for before := int64(-1); before != body.n.Load(); { // until nothing goes on
					before = body.n.Load()
					time.Sleep(100 * time.Millisecond)
				}
				c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
				select {
				case <-begun:
				case <-time.After(patience):
				}
				sum := sha256.New()
				n, err := io.Copy(sum, request.Body)
				got <- fmt.Sprintf("%d bytes, %x, %v", n, sum.Sum(nil), err)
				c.say("0\r\n\r\n")
			})
			fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
			c := fr.client()
			request, _ := http.NewRequest("POST", "http://s/", io.NopCloser(body))
			if framing[0] == 'C' {
				request.ContentLength = size
			}
			go func() { _ = request.Write(c) }()
			wantContains(t, "the answer", c.header(), "200 OK") // while the proxy can send no more of the body
			close(begun)
			if got, want := take(t, got), fmt.Sprintf("%d bytes, %x, <nil>", size, want.Sum(nil)); got != want {
				t.Errorf("the endpoint got %s; want %s", got, want)
			}
			if out := fr.outcome(); out.Reason != reason.None || out.BytesIn != size {
				t.Errorf("%s, %d bytes in, %v; want all of them", out.Reason, out.BytesIn, out.Err)
			}
		})
	}
}
