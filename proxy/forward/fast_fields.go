package forward

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"triage/proxy/http1"
)

// ofThisHop reports whether a field stays on its hop, or is written anew.
func ofThisHop(name string) bool {
	switch len(name) {
	case len("Te"):
		return http1.EqualFold(name, "Te")
	case len("Host"):
		return http1.EqualFold(name, "Host")
	case len("Expect"):
		return http1.EqualFold(name, "Expect")
	case len("Trailer"): // and Upgrade
		return http1.EqualFold(name, "Trailer") || http1.EqualFold(name, "Upgrade")
	case len("Connection"): // and Keep-Alive
		return http1.EqualFold(name, "Connection") || http1.EqualFold(name, "Keep-Alive")
	case len("Content-Length"): // and HTTP2-Settings
		return http1.EqualFold(name, "Content-Length") || http1.EqualFold(name, "Http2-Settings")
	case len("Proxy-Connection"):
		return http1.EqualFold(name, "Proxy-Connection")
	case len("Transfer-Encoding"):
		return http1.EqualFold(name, "Transfer-Encoding")
	case len("Proxy-Authenticate"):
		return http1.EqualFold(name, "Proxy-Authenticate")
	case len("Proxy-Authorization"):
		return http1.EqualFold(name, "Proxy-Authorization")
	}
	return false
}

func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	return append(strconv.AppendInt(b, n, 10), "\r\n"...)
}

// appendAnswerFields writes the end-to-end fields of a response, and reports whether Date is among them.
func appendAnswerFields(b []byte, r *http1.Response) (_ []byte, dated bool) {
	for i := range r.Fields.Len() {
		name, value := r.At(i)
		if name == "" || ofThisHop(name) || r.Options && r.Named(name) {
			continue
		}
		dated = dated || len(name) == len("Date") && http1.EqualFold(name, "Date")
		b = http1.AppendField(b, name, value)
	}
	return b, dated
}

// appendTrailer writes the fields that may come after the body.
func appendTrailer(b []byte, f *http1.Fields) []byte {
	for i := range f.Len() {
		if name, value := f.At(i); trailable(http.CanonicalHeaderKey(name)) {
			b = http1.AppendField(b, name, value)
		}
	}
	return b
}

// appendAnnounced announces trailers, those that may pass. Without chunks there are none, whatever is announced.
func appendAnnounced(b []byte, r *http1.Response) []byte {
	values := r.Values("Trailer")
	if len(values) == 0 || !r.Framing.Chunked {
		return b
	}
	announced := http.Header{}
	for _, name := range list(values) {
		announced[http.CanonicalHeaderKey(name)] = nil
	}
	h := http.Header{}
	announceTrailer(h, announced)
	for _, names := range h["Trailer"] {
		b = http1.AppendField(b, "Trailer", names)
	}
	return b
}

// list splits the lines of a list field.
func list(lines []string) []string {
	var out []string
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			out = append(out, textproto.TrimString(item))
		}
	}
	return out
}
