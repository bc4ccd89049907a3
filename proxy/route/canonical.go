package route

import (
	"bytes"
	"net/url"
	"strings"
)

// Canonical gives the one spelling of an escaped path (no query): dot segments removed, slashes merged, unreserved
// characters decoded, other escapes in upper case, bytes that a path may not hold escaped. Everything else stays as it
// is. It is idempotent, and allocates nothing for a path that is canonical already. False means that the path must be
// refused, see the package comment; "" is "/" (RFC 3986, section 6.2.3).
func Canonical(escaped string) (string, bool) {
	if escaped == "" {
		return "/", true
	}
	if escaped[0] != '/' {
		return "", false
	}
	if plain(escaped) {
		return escaped, true
	}
	unified, ok := unify(escaped)
	if !ok {
		return "", false
	}
	return resolve(unified)
}

// Normalize gives u its canonical path, so that u.EscapedPath is what Match looks at and what is forwarded. False means
// that the request must be refused; u is then unchanged.
func Normalize(u *url.URL) bool {
	if u.Opaque != "" {
		return false
	}
	canonical, ok := Canonical(u.EscapedPath())
	if !ok {
		return false
	}
	decoded, err := url.PathUnescape(canonical)
	if err != nil {
		return false
	}
	// RawPath is set even where net/url would do without it: its own escaping differs from ours in characters like "!".
	u.Path, u.RawPath = decoded, canonical
	return true
}

// Plain reports whether an escaped path says outright what it means: no dot segments, no doubled slashes, no escapes of characters that
// need none. Escapes in lower case, and bytes that had to be escaped, mean nothing else in any reader's eyes.
func Plain(escaped string) bool {
	for i := 0; i < len(escaped); i++ {
		switch escaped[i] {
		case '%':
			if b, ok := octet(escaped[i:]); ok && fate[b] == unreserved {
				return false
			}
		case '/':
			rest := escaped[i+1:]
			if rest != "" && (rest[0] == '/' || dots(rest) != notDots) {
				return false
			}
		}
	}
	return true
}

// What may become of a byte of a path.
const (
	refused    = iota
	unreserved // RFC 3986, section 2.3: never escaped
	kept       // the rest of pchar, and "[" and "]", which browsers do not escape: as it came
	escaped    // may not stand in a path as it is
)

var fate = func() (table [256]uint8) {
	for c := '!'; c < 256; c++ {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("-._~", c):
			table[c] = unreserved
		case strings.ContainsRune("/!$&'()*+,;=:@[]", c):
			table[c] = kept
		case c > 0x7f, strings.ContainsRune("\"<>^`{|}", c):
			table[c] = escaped
		}
	}
	return table
}()

// plain reports whether the path, which begins with a slash, is canonical.
func plain(path string) bool {
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '%':
			b, ok := octet(path[i:])
			if !ok || fate[b] == unreserved || ambiguous(b) || lower(path[i+1]) || lower(path[i+2]) {
				return false
			}
			i += 2
		case c == '/':
			rest := path[i+1:]
			if rest != "" && (rest[0] == '/' || rest[0] == '.' && dots(rest) != notDots) {
				return false
			}
		case fate[c] < unreserved || fate[c] > kept:
			return false
		}
	}
	return true
}

// unify gives every byte its one spelling.
func unify(path string) ([]byte, bool) {
	out := make([]byte, 0, len(path)+16)
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			b, ok := octet(path[i:])
			if !ok || ambiguous(b) {
				return nil, false
			}
			i += 2
			if fate[b] == unreserved {
				out = append(out, b)
			} else {
				out = appendEscaped(out, b)
			}
			continue
		}
		switch fate[c] {
		case refused:
			return nil, false
		case escaped:
			out = appendEscaped(out, c)
		default:
			out = append(out, c)
		}
	}
	return out, true
}

// resolve removes empty and dot segments. Slashes are merged first, so that "/a//../b" is "/b", as a file system has it.
func resolve(path []byte) (string, bool) {
	out := make([]byte, 0, len(path))
	directory := false
	for rest, more := path, true; more; {
		var segment []byte
		segment, rest, more = bytes.Cut(rest, []byte{'/'})
		directory = true
		switch dots(string(segment)) {
		case parameterDots:
			return "", false
		case twoDots:
			out = out[:max(bytes.LastIndexByte(out, '/'), 0)]
		case notDots:
			if len(segment) > 0 {
				out = append(append(out, '/'), segment...)
				directory = false
			}
		}
	}
	if directory {
		out = append(out, '/')
	}
	return string(out), true
}

// What a segment means.
const (
	notDots = iota
	oneDot
	twoDots
	// parameterDots is a dot segment with parameters: some servers drop "..;" as a name, others climb.
	parameterDots
)

// dots classifies the first segment of rest.
func dots(rest string) int {
	n := 0
	for n < len(rest) && rest[n] == '.' {
		n++
	}
	if n == 0 || n > 2 {
		return notDots
	}
	tail := rest[n:]
	switch {
	case tail == "" || tail[0] == '/':
		return n
	case tail[0] == ';' || len(tail) >= 3 && strings.EqualFold(tail[:3], "%3b"):
		return parameterDots
	}
	return notDots
}

// ambiguous reports whether an escaped b splits servers into those that decode before they split and those that do not.
func ambiguous(b byte) bool { return b == '/' || b == '\\' || b == 0 }

// octet reads the escape at the beginning of s.
func octet(s string) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	high, low := digit(s[1]), digit(s[2])
	return byte(high<<4 | low), high >= 0 && low >= 0
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func lower(c byte) bool { return c >= 'a' }

func appendEscaped(out []byte, b byte) []byte {
	const hex = "0123456789ABCDEF"
	return append(out, '%', hex[b>>4], hex[b&15])
}
