package edge_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"triage/proxy/edge"
)

// TestRefusalDoesNotWaitForTheBody: net/http reads the rest of a small body before it sends the header.
func TestRefusalDoesNotWaitForTheBody(t *testing.T) {
	for name, method := range map[string]string{"by the handler": "POST", "by the edge": "TRACE"} {
		t.Run(name, func(t *testing.T) {
			retried(t, func(t testing.TB) {
				l, _ := serve(t, quick, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
				c := dial(t, l)
				c.send(method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly this")
				within(t, "letting go of a body that does not come", func() {
					resp, _ := c.response(method)
					if resp.StatusCode != 503 && resp.StatusCode != 405 {
						t.Errorf("%s, want a refusal", resp.Status)
					}
					c.wantClosed()
				})
			})
		})
	}
}

// TestReaderThatOutlivesTheHandler: a transport may still hold the body when the connection has gone on.
func TestReaderThatOutlivesTheHandler(t *testing.T) {
	retried(t, func(t testing.TB) {
		bodies := make(chan io.ReadCloser, 2)
		l, _ := serve(t, quick, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				r.Body.Read(make([]byte, 1))
				bodies <- r.Body
				return
			}
			stale := <-bodies
			time.Sleep(rest)
			if _, err := stale.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Errorf("reading the body of the request before: %v, want http.ErrBodyReadAfterClose", err)
			}
			if err := stale.Close(); err != nil {
				t.Errorf("closing it: %v", err)
			}
			time.Sleep(rest)
			fmt.Fprint(w, r.Context().Err())
		})
		c := dial(t, l)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy")
		c.response("POST")
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, body := c.response("GET"); body != "<nil>" {
			t.Errorf("the second request's context: %s, want it untouched by the first's body", body)
		}
	})
}

func TestInformationalHeaders(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNoContent)
	})
	c := dial(t, l)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for _, want := range []int{103, 204} {
		if resp, _ := c.response("GET"); resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
	}
}
