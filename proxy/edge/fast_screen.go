package edge

import "triage/proxy/http1"

// verdict says which lane a request goes by.
type verdict uint8

const (
	toFast verdict = iota
	toStandard
	toNobody
)

// screen finds the lane. Whatever is not plain goes to the standard lane, which decides about it: a method that is never forwarded, an
// upgrade, an unknown expectation, announced trailers, HTTP/1.0, a target that is no plain path.
func (f *Fast) screen(p *policy) verdict {
	r := &f.Request
	switch {
	case !p.fast():
		return toStandard
	case r.Foreign():
		return toNobody
	case r.Minor == 0 || r.Method == "CONNECT" || r.Method == "TRACE" || r.Method == "PRI":
		return toStandard
	case r.Has("Expect") && !plainExpect(r.Values("Expect")), r.Has("Upgrade") || r.Has("Trailer") || r.Has("Http2-Settings") || !isHost(r.Host):
		return toStandard
	}
	path := r.Target
	for i := range len(path) {
		switch c := path[i]; {
		case c == '?':
			f.Path, f.Query = path[:i], path[i:]
			return f.origin()
		case !plainPath[c]:
			return toStandard
		}
	}
	f.Path, f.Query = path, ""
	return f.origin()
}

// origin looks at a target in origin form.
func (f *Fast) origin() verdict {
	if f.Path == "" || f.Path[0] != '/' {
		return toStandard
	}
	for i := range len(f.Query) {
		if c := f.Query[i]; c >= 0x80 || c == '#' {
			return toStandard
		}
	}
	return toFast
}

// plainExpect reports whether Expect says what is understood, and nothing else.
func plainExpect(values []string) bool {
	return len(values) == 1 && http1.EqualFold(values[0], "100-continue")
}

// plainPath are the bytes that stand in a path as they are: RFC 3986, section 3.3, and the percent sign.
var plainPath = func() (set [256]bool) {
	for c := range 256 {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
		set[c] = letter || '0' <= c && c <= '9'
	}
	for _, c := range "-._~/!$&'()*+,;=:@%" {
		set[c] = true
	}
	return set
}()
