package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
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

// FuzzFollower: as long as nothing is in doubt, net/http finds the same requests, in whatever pieces they come.
func FuzzFollower(f *testing.F) {
	for _, seed := range []string{
		"GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET / HTTP/1.1\nHost: h\n\n",
	} {
		f.Add([]byte(seed), uint8(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		followed := func(size int) (heads, lost int, err error) {
			f := http1.Follower{MaxHeader: 64 << 10, MaxFields: maxFields}
			for rest := text; len(rest) > 0; {
				n := min(size, len(rest))
				f.Follow(bytes.Clone(rest[:n]))
				rest = rest[n:]
			}
			lost, err = f.Lost()
			return f.Heads(), lost, err
		}
		heads, lost, err := followed(len(text) + 1)
		if h, l, e := followed(1 + int(size)); h != heads || l != lost || !errors.Is(e, err) {
			t.Fatalf("in one piece %d heads, lost at %d by %v; in pieces of %d %d, %d, %v\n%q", heads, lost, err, 1+size, h, l, e, text)
		}
		r := bufio.NewReader(bytes.NewReader(text))
		for i := range heads {
			request, err := http.ReadRequest(r)
			if err != nil {
				if strings.Contains(err.Error(), "parse \"") || strings.Contains(err.Error(), "invalid URI") {
					return // the target's syntax is looked at elsewhere
				}
				t.Fatalf("request %d of %d is none to net/http: %v\n%q", i, heads, err, text)
			}
			if _, err := io.Copy(io.Discard, request.Body); err != nil && i < heads-1 {
				t.Fatalf("the body of request %d of %d is none to net/http: %v\n%q", i, heads, err, text)
			}
		}
	})
}
