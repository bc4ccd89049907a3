package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"triage/proxy/http1"
)

const maxFields = 500

func TestParseRequest(t *testing.T) {
	tests := []struct {
		name, text string
		want       error
	}{
		{"plain", "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n", nil},
		{"length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n", nil},
		{"chunked in any case", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n", nil},
		{"spaces around a value", "GET / HTTP/1.1\r\nHost: \t h \t\r\n\r\n", nil},
		{"empty value", "GET / HTTP/1.1\r\nHost: h\r\nX-A:\r\n\r\n", nil},
		{"obs-text", "GET / HTTP/1.1\r\nHost: h\r\nX-A: \xe4\r\n\r\n", nil},
		{"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", nil},

		{"empty line first", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", http1.ErrLine},
		{"bare LF after a field", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", http1.ErrLine},
		{"bare LF as the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\n", http1.ErrLine},
		{"bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rContent-Length: 5\r\n\r\n", http1.ErrValue},
		{"bare CR in the target", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n", http1.ErrValue},
		{"DEL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x7fb\r\n\r\n", http1.ErrValue},
		{"folded", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", http1.ErrFolded},
		{"folded first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", http1.ErrFolded},
		{"space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", http1.ErrName},
		{"tab before the colon", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\t: chunked\r\n\r\n", http1.ErrName},
		{"no colon", "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", http1.ErrName},
		{"no name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", http1.ErrName},
		{"name that is no token", "GET / HTTP/1.1\r\nHost: h\r\nX(: x\r\n\r\n", http1.ErrName},
		{"name beyond ASCII", "GET / HTTP/1.1\r\nHost: h\r\nTransfer\xe4: x\r\n\r\n", http1.ErrName},

		{"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"tab for a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"space before the method", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"space after the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"no version", "GET /\r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n", http1.ErrRequestLine},
		{"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\n", http1.ErrVersion},
		{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", http1.ErrVersion},

		{"no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", http1.ErrHost},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", http1.ErrHost},

		{"length and chunked", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", http1.ErrTwoLengths},
		{"chunked and length", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\n", http1.ErrTwoLengths},
		{"two lengths that differ", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", http1.ErrTwoLengths},
		{"two lengths that do not", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", http1.ErrTwoLengths},
		{"list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\n", http1.ErrLength},
		{"length with a sign", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n", http1.ErrLength},
		{"negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\n", http1.ErrLength},
		{"hexadecimal length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\n", http1.ErrLength},
		{"empty length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", http1.ErrLength},
		{"length beyond 64 bits", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551617\r\n\r\n", http1.ErrLength},
		{"gzip, chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", http1.ErrCoding},
		{"chunked, identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n", http1.ErrCoding},
		{"xchunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", http1.ErrCoding},
		{"quoted chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", http1.ErrCoding},
		{"empty coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", http1.ErrCoding},
		{"vertical tab before chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", http1.ErrValue},
		{"two codings", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", http1.ErrTwoCodings},
		{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", http1.ErrTwoCodings},
		{"too many fields", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", maxFields) + "\r\n", http1.ErrTooManyFields},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r http1.Request
			n, err := http1.ParseRequest([]byte(test.text), &r, maxFields)
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if err == nil && n != len(test.text) {
				t.Errorf("the head has %d bytes, want %d", n, len(test.text))
			}
			// What is wrong is found as soon as it has come, and what is right only when it is whole.
			for end := range test.text {
				n, err := http1.ParseRequest([]byte(test.text[:end]), &r, maxFields)
				if n != 0 || err != nil && !errors.Is(err, test.want) {
					t.Fatalf("after %d bytes: %d, %v", end, n, err)
				}
			}
		})
	}
}

func TestRequestSays(t *testing.T) {
	const text = "POST /a?b=c HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nconnection: Keep-Alive, x-a , close\r\nx-a: 2\r\nContent-Length: 7\r\n\r\nrest"
	var r http1.Request
	n, err := http1.ParseRequest([]byte(text), &r, maxFields)
	if err != nil || text[n:] != "rest" {
		t.Fatalf("%d, %v", n, err)
	}
	if r.Method != "POST" || r.Target != "/a?b=c" || r.Host != "shop" || r.Minor != 1 || r.Length != 7 || r.Chunked || !r.Closes || !r.Options {
		t.Errorf("%+v", r)
	}
	if got := r.Values("X-A"); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("X-A: %q, want both", got)
	}
	if !r.Named("X-A") || r.Named("Host") || !r.HasElement("Connection", "close") {
		t.Errorf("Connection is misread")
	}
	r.DropNamed("X-A")
	if r.Has("X-A") || r.Values("x-a") != nil || !r.Has("CONTENT-LENGTH") {
		t.Errorf("X-A is not gone, or too much is")
	}
}

func TestParseResponse(t *testing.T) {
	tests := []struct {
		name, text string
		head       bool
		want       error
		framing    http1.Framing
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, nil, http1.Framing{Length: 3, Said: true}},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, nil, http1.Framing{Chunked: true}},
		{"until the end", "HTTP/1.1 200 OK\r\n\r\n", false, nil, http1.Framing{UntilClose: true}},
		{"no phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, nil, http1.Framing{Said: true}},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, nil, http1.Framing{Said: true}},
		{"204", "HTTP/1.1 204 No Content\r\n\r\n", false, nil, http1.Framing{}},
		{"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", false, nil, http1.Framing{Said: true}},
		{"103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", false, nil, http1.Framing{}},
		{"not HTTP", "220 mail ESMTP\r\n\r\n", false, http1.ErrStatusLine, http1.Framing{}},
		{"two digits", "HTTP/1.1 20 OK\r\n\r\n", false, http1.ErrStatusLine, http1.Framing{}},
		{"four digits", "HTTP/1.1 2000 OK\r\n\r\n", false, http1.ErrStatusLine, http1.Framing{}},
		{"below 100", "HTTP/1.1 099 OK\r\n\r\n", false, http1.ErrStatusLine, http1.Framing{}},
		{"both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", false, http1.ErrTwoLengths, http1.Framing{}},
		{"bare LF", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", false, http1.ErrLine, http1.Framing{}},
		{"split", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n", false, http1.ErrValue, http1.Framing{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r http1.Response
			_, err := http1.ParseResponse([]byte(test.text), &r, test.head, maxFields)
			if !errors.Is(err, test.want) || err == nil && r.Framing != test.framing {
				t.Errorf("%+v, %v; want %+v, %v", r.Framing, err, test.framing, test.want)
			}
		})
	}
}

// FuzzRequest: what is accepted here, net/http accepts as well, and understands alike.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /a?b HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
		"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: a, close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "A / HTTP/1.1\r\nHost:\r\n: \r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var ours http1.Request
		n, err := http1.ParseRequest(text, &ours, maxFields)
		if err != nil || n == 0 {
			return
		}
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			// net/http looks at the target's syntax here, and proxy/edge does elsewhere.
			if plainTarget(ours.Target) {
				t.Fatalf("net/http refuses what is accepted here: %v\n%q", err, text)
			}
			return
		}
		same := theirs.Method == ours.Method && theirs.RequestURI == ours.Target && theirs.ProtoMinor == ours.Minor
		length := ours.Length
		if ours.Chunked {
			length = -1
		}
		// net/http takes Host from an absolute target.
		if !same || theirs.ContentLength != length || theirs.URL.Host == "" && theirs.Host != ours.Host {
			t.Fatalf("read as %s %s of %s with %d; net/http reads %s %s of %s with %d\n%q", ours.Method, ours.Target, ours.Host, length, theirs.Method, theirs.RequestURI, theirs.Host, theirs.ContentLength, text)
		}
		for i := range ours.Len() {
			name, value := ours.At(i)
			if http1.EqualFold(name, "Host") || http1.EqualFold(name, "Content-Length") || http1.EqualFold(name, "Transfer-Encoding") || http1.EqualFold(name, "Trailer") {
				continue
			}
			if !slices.Contains(theirs.Header.Values(name), value) {
				t.Fatalf("%s is %q here, and net/http has %q\n%q", name, value, theirs.Header.Values(name), text)
			}
		}
		// What comes after the head is where both look for the body.
		if ours.Chunked || length == 0 {
			return
		}
		body, _ := io.ReadAll(theirs.Body)
		if rest := text[n:]; !bytes.HasPrefix(rest, body) {
			t.Fatalf("the body is %q here, and net/http has %q", rest, body)
		}
	})
}

func plainTarget(target string) bool {
	return strings.HasPrefix(target, "/") && !strings.ContainsAny(target, "%\"<>\\^`{|}#?") && !strings.ContainsFunc(target, func(r rune) bool { return r >= 0x80 })
}

func BenchmarkParseRequest(b *testing.B) {
	text := []byte("GET /api/v1/products/42?ref=home HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,application/json\r\n" +
		"Accept-Language: en\r\nAccept-Encoding: gzip, br\r\nCookie: sid=0123456789abcdef\r\nReferer: https://shop.example/\r\n\r\n")
	var r http1.Request
	b.ReportAllocs()
	for b.Loop() {
		if n, err := http1.ParseRequest(text, &r, maxFields); n == 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}

func TestParsingDoesNotAllocate(t *testing.T) {
	text := []byte("GET /a HTTP/1.1\r\nHost: h\r\nCookie: sid=a\r\nAccept: */*\r\n\r\n")
	var r http1.Request
	if got := testing.AllocsPerRun(100, func() {
		if n, err := http1.ParseRequest(text, &r, maxFields); n == 0 || err != nil {
			t.Fatal(n, err)
		}
		r.Values("Cookie")
		r.Values("X-Nothing")
	}); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}
