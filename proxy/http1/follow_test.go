package http1_test

import (
	"errors"
	"strings"
	"testing"

	"triage/proxy/http1"
)

func TestFollower(t *testing.T) {
	const plain = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
	post := func(fields, body string) string { return "POST /a HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body }
	tests := []struct {
		name, text string
		first      int
		want       error
	}{
		{"plain ones", plain + plain, 2, nil},
		{"a length, chunks, trailers", post("Content-Length: 5\r\n", "hello") + post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX: y\r\n\r\n") + plain, 3, nil},
		{"both, at first", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") + plain, 0, http1.ErrTwoLengths},
		{"both, behind others", plain + plain + post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 2, http1.ErrTwoLengths},
		{"both, in a body", post("Content-Length: 70\r\n", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0123456789"))[:110], 0, nil},
		{"a bare LF", plain + "GET /a HTTP/1.1\nHost: h\n\n", 1, http1.ErrLine},
		{"a fold", plain + "GET /a HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n", 1, http1.ErrFolded},
		{"an extension", plain + post("Transfer-Encoding: chunked\r\n", "5;x\r\nhello\r\n0\r\n\r\n"), 1, http1.ErrChunk},
		{"another authority", "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", 0, http1.ErrHost},
		{"the same", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 1, nil},
		{"endless", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 9000), 0, http1.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 7, 1 << 20} {
				f := http1.Follower{MaxHeader: 8 << 10, MaxFields: 10}
				for text := tt.text; text != ""; text = text[min(size, len(text)):] {
					piece := []byte(text[:min(size, len(text))])
					f.Follow(piece)
					clear(piece) // who reads on uses it again
				}
				first, err := f.Lost()
				if !errors.Is(err, tt.want) || (err != nil) != (tt.want != nil) || err != nil && first != tt.first {
					t.Errorf("in pieces of %d: lost at %d by %v, want %d by %v", size, first, err, tt.first, tt.want)
				}
				if err == nil && f.Heads() != max(tt.first, 1) {
					t.Errorf("in pieces of %d: %d heads, want %d", size, f.Heads(), tt.first)
				}
			}
		})
	}
}
