package http1_test

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"

	"triage/proxy/http1"
)

// decode reads a body that arrives in pieces of a size, and gives what is left behind it.
func decode(text []byte, size int, framing http1.Framing) (body []byte, rest string, whole bool, err error) {
	var c http1.Conn
	var b http1.Body
	b.Reset(&c, framing)
	for {
		piece, err := b.Next()
		body = append(body, piece...)
		switch {
		case err != nil:
			return body, "", false, err
		case b.Whole():
			return body, string(c.Buffered()) + string(text), true, nil
		case len(piece) > 0:
			continue
		case len(text) == 0:
			return body, "", false, nil
		}
		n := http1.Feed(&c, text[:min(size, len(text))])
		if n == 0 {
			return body, "", false, http1.ErrTooLarge
		}
		text = text[n:]
	}
}

func TestChunked(t *testing.T) {
	tests := []struct {
		name, text, body, rest string
		want                   error
	}{
		{"plain", "5\r\nhello\r\n0\r\n\r\nrest", "hello", "rest", nil},
		{"two", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789", "", nil},
		{"none", "0\r\n\r\n", "", "", nil},
		{"leading zeros", "0003\r\nabc\r\n000\r\n\r\n", "abc", "", nil},
		{"trailer", "1\r\na\r\n0\r\nX-Sum: 1\r\n\r\nrest", "a", "rest", nil},
		{"extension", "3;a=b\r\nabc\r\n0\r\n\r\n", "", "", http1.ErrChunk},
		{"extension of the last", "3\r\nabc\r\n0;a\r\n\r\n", "abc", "", http1.ErrChunk},
		{"space after the size", "3 \r\nabc\r\n0\r\n\r\n", "", "", http1.ErrChunk},
		{"space before the size", " 3\r\nabc\r\n0\r\n\r\n", "", "", http1.ErrChunk},
		{"sign", "+3\r\nabc\r\n0\r\n\r\n", "", "", http1.ErrChunk},
		{"0x", "0x3\r\nabc\r\n0\r\n\r\n", "", "", http1.ErrChunk},
		{"no size", "\r\nabc\r\n0\r\n\r\n", "", "", http1.ErrChunk},
		{"bare LF after the size", "3\nabc\r\n0\r\n\r\n", "", "", http1.ErrChunk},
		{"bare LF after the data", "3\r\nabc\n0\r\n\r\n", "abc", "", http1.ErrChunk},
		{"too long", "3\r\nabcd\r\n0\r\n\r\n", "abc", "", http1.ErrChunk},
		{"size beyond 64 bits", "1000000000000000003\r\nabc\r\n0\r\n\r\n", "", "", http1.ErrChunk},
		{"trailer with a bare LF", "0\r\nX: y\n\r\n", "", "", http1.ErrTrailer},
		{"trailer with a space before the colon", "0\r\nX : y\r\n\r\n", "", "", http1.ErrTrailer},
		{"endless trailer", "0\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 20), "", "", http1.ErrTrailer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 1000} {
				body, rest, whole, err := decode([]byte(test.text), size, http1.Framing{Chunked: true})
				if !errors.Is(err, test.want) || string(body) != test.body || rest != test.rest || whole != (test.want == nil) {
					t.Errorf("in pieces of %d: %q, rest %q, whole %v, %v; want %q, %q, %v", size, body, rest, whole, err, test.body, test.rest, test.want)
				}
			}
		})
	}
}

func TestLength(t *testing.T) {
	for _, size := range []int{1, 3, 100} {
		body, rest, whole, err := decode([]byte("hello and more"), size, http1.Framing{Length: 5})
		if string(body) != "hello" || rest != " and more" || !whole || err != nil {
			t.Errorf("%q, %q, %v, %v", body, rest, whole, err)
		}
		if _, _, whole, _ := decode([]byte("hell"), size, http1.Framing{Length: 5}); whole {
			t.Errorf("four bytes of five are whole")
		}
	}
}

func TestAppendChunk(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 255, 256, 4095, 4096, 70000} {
		data := bytes.Repeat([]byte("x"), n)
		wire := append(http1.AppendChunk(nil, data), "0\r\n\r\n"...)
		if got, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(wire))); err != nil || !bytes.Equal(got, data) {
			t.Errorf("a chunk of %d: %d bytes, %v", n, len(got), err)
		}
	}
}

// FuzzChunked: however a body is cut into pieces it is read alike, and what is accepted net/http reads alike.
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{"5\r\nhello\r\n0\r\n\r\nrest", "0\r\nX: y\r\n\r\n", "a;b\r\n0123456789\r\n0\r\n\r\n", "3\r\nabc\r\n", "00000001\r\na\r\n0\r\n\r\n", "2\nab\n0\n\n"} {
		f.Add([]byte(seed), 1)
		f.Add([]byte(seed), 5)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if len(text) > 4000 {
			return
		}
		framing := http1.Framing{Chunked: true}
		body, rest, whole, err := decode(text, len(text)+1, framing)
		cutBody, cutRest, cutWhole, cutErr := decode(text, max(1, size%50), framing)
		if whole != cutWhole || rest != cutRest || !errors.Is(cutErr, err) || !bytes.Equal(body, cutBody) {
			t.Fatalf("at once %q, %q, %v, %v; in pieces %q, %q, %v, %v", body, rest, whole, err, cutBody, cutRest, cutWhole, cutErr)
		}
		if !whole {
			return
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(text)))
		if err != nil || !bytes.Equal(theirs, body) {
			t.Fatalf("read as %q; net/http reads %q, %v", body, theirs, err)
		}
	})
}
