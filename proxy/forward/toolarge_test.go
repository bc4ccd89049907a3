package forward_test

import (
	"strings"
	"testing"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// A response that is larger than allowed is not begun if it says so, and breaks off if it turns out so. Its connection to the endpoint is
// closed, whatever is still under way on it.
func TestResponseLimit(t *testing.T) {
	const limit = 100
	body := func(n int) string { return strings.Repeat("x", n) }
	rows := []struct {
		name, request, answer string
		want                  reason.Reason
		started               bool
		sent                  int64
	}{
		{"the limit", get, "Content-Length: 100\r\n\r\n" + body(100), reason.None, true, 100},
		{"the limit, in chunks", get, "Transfer-Encoding: chunked\r\n\r\n64\r\n" + body(100) + "\r\n0\r\n\r\n", reason.None, true, 100},
		{"the length of another answer", "HEAD" + get[3:], "Content-Length: 101\r\n\r\n", reason.None, true, 0},
		{"says so", get, "Content-Length: 101\r\n\r\n", reason.ResponseTooLarge, false, 0},
		{"says so, and sends it", get, "Content-Length: 4000\r\n\r\n" + body(4000), reason.ResponseTooLarge, false, 0},
		{"says so early", chunkedPost + "3\r\nabc\r\n", "Content-Length: 101\r\n\r\n", reason.ResponseTooLarge, false, 0},
		{"in one chunk", get, "Transfer-Encoding: chunked\r\n\r\nfa0\r\n" + body(4000), reason.ResponseTooLarge, true, 0},
		{"in chunks", get, "Transfer-Encoding: chunked\r\n\r\n64\r\n" + body(100) + "\r\n1\r\nx\r\n", reason.ResponseTooLarge, true, 100},
		{"early", chunkedPost + "3\r\nabc\r\n", "Transfer-Encoding: chunked\r\n\r\n64\r\n" + body(100) + "\r\n1\r\nx\r\n", reason.ResponseTooLarge, true, 100},
		{"without an end", get, "A: b\r\n\r\n" + body(101), reason.ResponseTooLarge, true, 100},
	}
	for lane, front := range map[string]func(*testing.T, forward.Target) *front{
		"standard": func(t *testing.T, to forward.Target) *front { return newFront(t, forward.Settings{}, to) },
		"fast": func(t *testing.T, to forward.Target) *front {
			return carryFront(t, forward.Settings{}, forward.FastTarget{URL: to.URL, ResponseLimit: to.ResponseLimit})
		},
	} {
		for _, row := range rows {
			t.Run(lane+"/"+row.name, func(t *testing.T) {
				t.Parallel()
				closed := make(chan error, 1)
				u := endpoint(t, func(_ int, c *wire) {
					c.header()
					c.say("HTTP/1.1 200 OK\r\n%s", row.answer)
					_, err := c.rest()
					closed <- err
				})
				fr := front(t, forward.Target{URL: u, ResponseLimit: limit})
				c := fr.client()
				c.say("%s", row.request)
				out := fr.outcome()
				wantReason(t, out, row.want)
				if out.Status != 200 || out.Started != row.started || out.Abort != (row.started && row.want != reason.None) || out.BytesOut > row.sent {
					t.Errorf("status %d, started %v, abort %v, %d bytes; want 200, %v, and at most %d bytes", out.Status, out.Started, out.Abort, out.BytesOut, row.started, row.sent)
				}
				if row.want == reason.None {
					return
				}
				take(t, closed)
				_ = c.CloseWrite()
				if answer, _ := c.rest(); strings.HasSuffix(answer, "\r\n0\r\n\r\n") || strings.Count(answer, "x") > limit {
					t.Errorf("the client takes a part for the whole: %q", answer)
				}
			})
		}
	}
}
