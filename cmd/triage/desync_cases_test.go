package main

import "strings"

// post is a POST of fields and a body.
func post(fields, body string) string {
	return "POST /a HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body
}

// gets is a GET of fields.
func gets(fields string) string { return "GET /a HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" }

// chunked is a POST whose body is in chunks.
func chunked(body string) string { return post("Transfer-Encoding: chunked\r\n", body) }

const inChunks = "5\r\nhello\r\n0\r\n\r\n"

// desyncs is the table.
var desyncs = slicesOf(desyncLengths, desyncCodings, desyncLines, desyncChunks, desyncRequests, desyncAnswers)

func slicesOf(parts ...[]desync) (all []desync) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

var desyncLengths = []desync{
	{family: "plain", name: "GET", send: gets("")},
	{family: "plain", name: "POST", send: post("Content-Length: 5\r\n", "hello")},
	{family: "plain", name: "chunks", send: chunked(inChunks)},
	{family: "CL.TE", name: "length over chunks, a request behind them", send: post("Content-Length: 38\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+poison), request: true},
	{family: "CL.TE", name: "length first", send: post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", inChunks)},
	{family: "TE.CL", name: "coding first, length of the first line", send: post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "21\r\n"+poison+"\r\n0\r\n\r\n")},
	{family: "CL.CL", name: "two that differ", send: post("Content-Length: 5\r\nContent-Length: 0\r\n", "hello")},
	{family: "CL.CL", name: "two alike", send: post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
	{family: "CL.CL", name: "a list", send: post("Content-Length: 5, 5\r\n", "hello")},
	{family: "CL.CL", name: "a sign", send: post("Content-Length: +5\r\n", "hello")},
	{family: "CL.CL", name: "negative", send: post("Content-Length: -5\r\n", "hello")},
	{family: "CL.CL", name: "hexadecimal", send: post("Content-Length: 0x5\r\n", "hello")},
	{family: "CL.CL", name: "empty", send: post("Content-Length:\r\n", "")},
	{family: "CL.CL", name: "zeros before it", send: post("Content-Length: 0005\r\n", "hello")},
	{family: "CL.CL", name: "beyond 64 bits", send: post("Content-Length: 18446744073709551621\r\n", "hello")},
	{family: "CL.CL", name: "a vertical tab", send: post("Content-Length: \x0b5\r\n", "hello")},
	{family: "CL.CL", name: "longer than the body", send: post("Content-Length: 12\r\n", "hello")},
	{family: "CL.0", name: "a request as a body", send: post("Content-Length: 33\r\n", poison)},
	{family: "CL.0", name: "a body without a length", send: post("", poison[:4])},
	{family: "0.CL", name: "GET with a body", send: gets("Content-Length: 33\r\n") + poison},
	{family: "0.CL", name: "HEAD with a body", send: "HEAD /a HTTP/1.1\r\nHost: h\r\nContent-Length: 33\r\n\r\n" + poison},
	{family: "0.CL", name: "OPTIONS with chunks", send: "OPTIONS /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + inChunks},
	{family: "0.CL", name: "length named by Connection", send: post("Content-Length: 33\r\nConnection: Content-Length\r\n", poison)},
	{family: "0.CL", name: "coding named by Connection", send: post("Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n", "21\r\n"+poison+"\r\n0\r\n\r\n")},
}

var desyncCodings = []desync{
	{family: "TE.TE", name: "upper case", send: post("Transfer-Encoding: CHUNKED\r\n", inChunks)},
	{family: "TE.TE", name: "identity behind it", send: post("Transfer-Encoding: chunked, identity\r\n", inChunks)},
	{family: "TE.TE", name: "identity alone, with a length", send: post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello")},
	{family: "TE.TE", name: "gzip before it", send: post("Transfer-Encoding: gzip, chunked\r\n", inChunks)},
	{family: "TE.TE", name: "twice in a line", send: post("Transfer-Encoding: chunked, chunked\r\n", inChunks)},
	{family: "TE.TE", name: "twice in two lines", send: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", inChunks)},
	{family: "TE.TE", name: "nonsense in a second line", send: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", inChunks)},
	{family: "TE.TE", name: "xchunked", send: post("Transfer-Encoding: xchunked\r\n", inChunks)},
	{family: "TE.TE", name: "quoted", send: post("Transfer-Encoding: \"chunked\"\r\n", inChunks)},
	{family: "TE.TE", name: "a parameter", send: post("Transfer-Encoding: chunked;q=1\r\n", inChunks)},
	{family: "TE.TE", name: "empty", send: post("Transfer-Encoding:\r\nContent-Length: 5\r\n", "hello")},
	{family: "TE.TE", name: "a comma before it", send: post("Transfer-Encoding: ,chunked\r\n", inChunks)},
	{family: "TE.TE", name: "a tab before it", send: post("Transfer-Encoding:\tchunked\r\n", inChunks)},
	{family: "TE.TE", name: "a vertical tab before it", send: post("Transfer-Encoding: \x0bchunked\r\n", inChunks)},
	{family: "TE.TE", name: "a NUL behind it", send: post("Transfer-Encoding: chunked\x00\r\n", inChunks)},
	{family: "TE.TE", name: "space before the colon", send: post("Transfer-Encoding : chunked\r\n", inChunks)},
	{family: "TE.TE", name: "an underscore", send: post("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "hello")},
	{family: "TE.TE", name: "behind a fold", send: post("X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "hello")},
	{family: "TE.TE", name: "folded", send: post("Transfer-Encoding:\r\n chunked\r\n", inChunks)},
	{family: "TE.TE", name: "behind a bare LF", send: post("X: y\nTransfer-Encoding: chunked\r\n", inChunks)},
	{family: "TE.TE", name: "behind a bare CR", send: post("X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "hello")},
	{family: "TE.TE", name: "in HTTP/1.0", send: "POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + inChunks},
}

var desyncLines = []desync{
	{family: "lines", name: "bare LF after the request line", send: "GET /a HTTP/1.1\nHost: h\r\n\r\n"},
	{family: "lines", name: "bare LF everywhere", send: "GET /a HTTP/1.1\nHost: h\n\n"},
	{family: "lines", name: "bare LF as the empty line", send: "GET /a HTTP/1.1\r\nHost: h\r\n\n"},
	{family: "lines", name: "bare CR in the request line", send: "GET /a\r HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "lines", name: "bare CR in a value", send: gets("X: a\rb\r\n")},
	{family: "lines", name: "CR CR LF", send: "GET /a HTTP/1.1\r\nHost: h\r\r\n\r\n"},
	{family: "lines", name: "an empty line before it", send: "\r\n" + gets("")},
	{family: "lines", name: "obs-fold", send: gets("X: a\r\n b\r\n")},
	{family: "lines", name: "obs-fold of the first field", send: "GET /a HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n"},
	{family: "lines", name: "space before the colon", send: gets("X : y\r\n")},
	{family: "lines", name: "no colon", send: gets("X\r\n")},
	{family: "lines", name: "no name", send: gets(": y\r\n")},
	{family: "lines", name: "a NUL in a value", send: gets("X: a\x00b\r\n")},
	{family: "lines", name: "a control character in a value", send: gets("X: a\x01b\r\n")},
	{family: "lines", name: "DEL in a value", send: gets("X: a\x7fb\r\n")},
	{family: "lines", name: "a NUL in a name", send: gets("X\x00: y\r\n")},
	{family: "lines", name: "a letter beyond ASCII in a name", send: gets("X\xe4: y\r\n")},
	{family: "lines", name: "a letter beyond ASCII in a value", send: gets("X: \xe4\r\n")},
	{family: "lines", name: "a tab for a space", send: "GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "lines", name: "two spaces", send: "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "lines", name: "a space in the target", send: "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "lines", name: "a NUL in the target", send: "GET /a\x00 HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "lines", name: "space after the version", send: "GET /a HTTP/1.1 \r\nHost: h\r\n\r\n"},
}

var desyncChunks = []desync{
	{family: "chunks", name: "an extension", send: chunked("5;a=b\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "an extension with a bare LF", send: chunked("5;\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "an extension with a bare CR", send: chunked("5;a\rb\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "an extension of the last", send: chunked("5\r\nhello\r\n0;a=b\r\n\r\n")},
	{family: "chunks", name: "a quoted extension", send: chunked("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "space after the size", send: chunked("5 \r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "space before the size", send: chunked(" 5\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "a sign", send: chunked("+5\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "negative", send: chunked("-5\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "0x", send: chunked("0x5\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "an underscore", send: chunked("0_5\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "zeros before it", send: chunked("0000005\r\nhello\r\n000\r\n\r\n")},
	{family: "chunks", name: "beyond 64 bits", send: chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "no size", send: chunked("\r\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "bare LF after the size", send: chunked("5\nhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "bare LF after the data", send: chunked("5\r\nhello\n0\r\n\r\n")},
	{family: "chunks", name: "bare CR after the size", send: chunked("5\rhello\r\n0\r\n\r\n")},
	{family: "chunks", name: "two bytes for the CRLF", send: chunked("5\r\nhelloXX0\r\n\r\n")},
	{family: "chunks", name: "bare LF as the last line", send: chunked("5\r\nhello\r\n0\r\n\n")},
	{family: "chunks", name: "longer than it says", send: chunked("3\r\nhello\r\n0\r\n\r\n")},
	{family: "trailers", name: "unannounced", send: chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")},
	{family: "trailers", name: "announced", send: post("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")},
	{family: "trailers", name: "a length", send: post("Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n", "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n")},
	{family: "trailers", name: "a length, unannounced", send: chunked("5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n")},
	{family: "trailers", name: "credentials and identity", send: chunked("5\r\nhello\r\n0\r\nAuthorization: x\r\nX-Forwarded-For: 10.0.0.1\r\nHost: other\r\n\r\n")},
	{family: "trailers", name: "a fold", send: chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\n 2\r\n\r\n")},
	{family: "trailers", name: "space before the colon", send: chunked("5\r\nhello\r\n0\r\nX-Sum : 1\r\n\r\n")},
	{family: "trailers", name: "a bare LF", send: chunked("5\r\nhello\r\n0\r\nX-Sum: 1\n\r\n")},
}

var desyncRequests = []desync{
	{family: "Expect", name: "100-continue, body at once", send: post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello")},
	{family: "Expect", name: "100-continue, body when told", send: post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""), after: "hello"},
	{family: "Expect", name: "100-continue of a GET", send: gets("Expect: 100-continue\r\n")},
	{family: "Expect", name: "100-continue, refused by the backend, a request for a body", send: post("Expect: 100-continue\r\nContent-Length: 33\r\n", ""), after: poison,
		early: true, reply: "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", race: true},
	{family: "Expect", name: "nonsense", send: post("Expect: 200-maybe\r\nContent-Length: 5\r\n", "hello")},
	{family: "Expect", name: "twice", send: post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "hello")},
	{family: "Expect", name: "obscured, with a request as a body", send: post("Expect: y 100-continue\r\nContent-Length: 33\r\n", poison)},
	{family: "upgrade", name: "h2c", send: gets("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n")},
	{family: "upgrade", name: "h2c, agreed to by the backend", send: gets("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
		reply: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", hangUp: true},
	{family: "upgrade", name: "websocket, refused by the backend, a request behind it", send: gets("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: a\r\n") + poison,
		reply: "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno", request: true},
	{family: "upgrade", name: "the preface of HTTP/2", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	{family: "targets", name: "CONNECT", send: "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"},
	{family: "targets", name: "CONNECT with a body", send: "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nContent-Length: 33\r\n\r\n" + poison},
	{family: "targets", name: "TRACE with a body", send: "TRACE /a HTTP/1.1\r\nHost: h\r\nContent-Length: 33\r\n\r\n" + poison},
	{family: "targets", name: "absolute form, same authority", send: "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "targets", name: "absolute form, another authority", send: "GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "targets", name: "absolute form, another scheme", send: "GET https://h/a HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "targets", name: "absolute form with a user", send: "GET http://h@other/a HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "targets", name: "authority form", send: "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "targets", name: "a star", send: "GET * HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "targets", name: "two slashes before a host", send: "GET //other/a HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "targets", name: "a line in the query", send: "GET /a?x=%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "targets", name: "a fragment", send: "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "hosts", name: "none", send: "GET /a HTTP/1.1\r\nX: y\r\n\r\n"},
	{family: "hosts", name: "two", send: gets("Host: other\r\n")},
	{family: "hosts", name: "two in one", send: "GET /a HTTP/1.1\r\nHost: h, other\r\n\r\n"},
	{family: "hosts", name: "a space", send: "GET /a HTTP/1.1\r\nHost: h other\r\n\r\n"},
	{family: "hosts", name: "a path", send: "GET /a HTTP/1.1\r\nHost: h/other\r\n\r\n"},
	{family: "hosts", name: "empty", send: "GET /a HTTP/1.1\r\nHost:\r\n\r\n"},
	{family: "pipelining", name: "two", send: gets("") + "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"},
	{family: "pipelining", name: "a refused one, then another", send: gets("X : y\r\n") + poison},
	{family: "pipelining", name: "close, then another", send: gets("Connection: close\r\n") + poison},
	{family: "pipelining", name: "a body that is refused, then another", send: chunked("zz\r\n") + poison},
	{family: "versions", name: "HTTP/0.9", send: "GET /a\r\n\r\n"},
	{family: "versions", name: "HTTP/1.0", send: "GET /a HTTP/1.0\r\nHost: h\r\n\r\n"},
	{family: "versions", name: "HTTP/1.0 kept alive", send: "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"},
	{family: "versions", name: "HTTP/1.2", send: "GET /a HTTP/1.2\r\nHost: h\r\n\r\n"},
	{family: "versions", name: "HTTP/2.0", send: "GET /a HTTP/2.0\r\nHost: h\r\n\r\n"},
	{family: "versions", name: "lower case", send: "GET /a http/1.1\r\nHost: h\r\n\r\n"},
	{family: "versions", name: "HTTP/01.1", send: "GET /a HTTP/01.1\r\nHost: h\r\n\r\n"},
	{family: "versions", name: "HTTP/1.0 to an answer in chunks", send: "GET /a HTTP/1.0\r\nHost: h\r\n\r\n", reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + inChunks},
}

const (
	ok2    = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	second = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
)

// answered is a case in which the backend is the one who says something odd.
func answered(name, fields, body string) desync {
	return desync{family: "answers", name: name, send: gets(""), reply: "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body}
}

// cut is a case whose backend closes when the client has got something.
func cut(c desync) desync {
	c.cut = true
	return c
}

// breaks is a case whose answer is bound to break off.
func breaks(c desync) desync {
	c.breaks = true
	return c
}

// ends is a case whose backend closes afterwards.
func ends(c desync) desync {
	c.hangUp = true
	return c
}

var desyncAnswers = []desync{
	answered("two at once", "Content-Length: 2\r\n", "ok"+second),
	{family: "answers", name: "another one later", send: gets(""), reply: ok2, late: second},
	{family: "answers", name: "early", send: post("Content-Length: 100000\r\n", "hello"), reply: "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno", early: true},
	{family: "answers", name: "early and twice", send: post("Content-Length: 33\r\n", poison), reply: ok2 + second},
	answered("length and chunks", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", inChunks),
	answered("two lengths that differ", "Content-Length: 2\r\nContent-Length: 5\r\n", "hello"),
	answered("two lengths alike", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
	answered("a length with a sign", "Content-Length: +5\r\n", "hello"),
	ends(answered("an unknown coding", "Transfer-Encoding: gzip\r\n", "hello")),
	{family: "answers", name: "a coding under chunked", send: gets(""), reply: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + inChunks, race: true},
	breaks(answered("chunks with an extension", "Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n")),
	breaks(answered("chunks with a sign", "Transfer-Encoding: chunked\r\n", "+5\r\nhello\r\n0\r\n\r\n")),
	answered("chunks, and another answer", "Transfer-Encoding: chunked\r\n", inChunks+second),
	answered("a trailer that is a length", "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n", "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"),
	answered("a trailer that sets a cookie", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nSet-Cookie: a=b\r\nX-Sum: 1\r\n\r\n"),
	ends(answered("until the end", "", "hello")),
	cut(answered("shorter than it says", "Content-Length: 9\r\n", "hello")),
	cut(answered("chunks that break off", "Transfer-Encoding: chunked\r\n", "5\r\nhel")),
	answered("split by a bare CR", "Content-Length: 2\r\nX: a\rSet-Cookie: b\r\n", "ok"),
	answered("split by a bare LF", "Content-Length: 2\r\nX: a\nSet-Cookie: b\r\n", "ok"),
	answered("a fold", "Content-Length: 2\r\nX: a\r\n b\r\n", "ok"),
	answered("a NUL", "Content-Length: 2\r\nX: a\x00b\r\n", "ok"),
	ends(answered("space before the colon", "Content-Length : 2\r\n", "ok")),
	answered("no colon", "Content-Length: 2\r\nX\r\n", "ok"),
	{family: "answers", name: "to HEAD, with a body", send: "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", reply: ok2},
	{family: "answers", name: "to HEAD, with an answer for a body", send: "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", reply: "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n" + second},
	{family: "answers", name: "204 with a body", send: gets(""), reply: "HTTP/1.1 204 No Content\r\nContent-Length: 44\r\n\r\n" + second},
	{family: "answers", name: "204 in chunks", send: gets(""), reply: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" + inChunks},
	{family: "answers", name: "304 with a body", send: gets(""), reply: "HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n" + second},
	{family: "answers", name: "205 with a body", send: gets(""), reply: "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok"},
	{family: "answers", name: "103, then the answer", send: gets(""), reply: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok2},
	{family: "answers", name: "103 with a length", send: gets(""), reply: "HTTP/1.1 103 Early Hints\r\nContent-Length: 44\r\n\r\n" + ok2},
	{family: "answers", name: "100, unasked", send: gets(""), reply: "HTTP/1.1 100 Continue\r\n\r\n" + ok2},
	{family: "answers", name: "17 times 103", send: gets(""), reply: strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 17) + ok2},
	ends(desync{family: "answers", name: "103 and no answer", send: post("Content-Length: 5\r\n", "hello"), reply: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"}),
	{family: "answers", name: "101, unasked", send: gets(""), reply: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + second, hangUp: true},
	{family: "answers", name: "HTTP/0.9", send: gets(""), reply: "<html>poison</html>", hangUp: true},
	{family: "answers", name: "HTTP/1.0", send: gets(""), reply: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	ends(desync{family: "answers", name: "HTTP/1.0 in chunks", send: gets(""), reply: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + inChunks}),
	{family: "answers", name: "HTTP/1.2", send: gets(""), reply: "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok", hangUp: true},
	{family: "answers", name: "a status of two digits", send: gets(""), reply: "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", hangUp: true},
	{family: "answers", name: "a status of four digits", send: gets(""), reply: "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", hangUp: true},
	{family: "answers", name: "a bare CR in the reason", send: gets(""), reply: "HTTP/1.1 200 OK\rSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok", hangUp: true},
	{family: "answers", name: "named by Connection", send: gets(""), reply: "HTTP/1.1 200 OK\r\nConnection: Content-Length, X\r\nX: y\r\nContent-Length: 2\r\n\r\nok"},
	ends(answered("two, with close", "Connection: close\r\nContent-Length: 2\r\n", "ok"+second)),
}
