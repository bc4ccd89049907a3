package main

import (
	"net/http"
	"strings"
	"testing"
)

// A client that waits to be told to send its body is told when the body is wanted, and not if the request is refused before. Then the connection
// ends, for nobody knows whether the body comes all the same.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testExpectContinue)
}

func testExpectContinue(t *testing.T) {
	t.Parallel()
	r := start(t, conf("", backend(t, echo), "  - {name: some, match: {path: /some}, upstream: app}\n"))
	const waits = " HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
	w := dial(t, r.url)
	for _, last := range []bool{false, true} {
		w.say("POST /some%s", waits)
		if head := w.header(); !strings.HasPrefix(head, "HTTP/1.1 100 ") {
			t.Fatalf("before the body: %q, want 100", head)
		}
		w.say("hello")
		if a := w.answer(); a.status != http.StatusOK || !strings.Contains(a.body, `"Body":"hello"`) || strings.Contains(a.body, "Expect") {
			t.Errorf("%d %q, %v; want 200, the body and no Expect", a.status, a.body, a.err)
		}
		if last {
			break
		}
		w.say("GET /some HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := w.answer(); a.status != http.StatusOK {
			t.Errorf("the next request: %d, %v; want 200", a.status, a.err)
		}
	}
	w.say("POST /nowhere%sGET /some HTTP/1.1\r\nHost: h\r\n\r\n", waits)
	if a := w.answer(); a.status != http.StatusNotFound || !a.close {
		t.Errorf("refused: %d, closes %v, %v; want 404 and an end", a.status, a.close, a.err)
	}
	if !w.closed() {
		t.Error("what may have been a body was taken for a request")
	}
}
