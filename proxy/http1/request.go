package http1

import (
	"bytes"
	"strings"
)

// Request is the head of one request. Its texts are windows on the buffer that it was read from.
type Request struct {
	Method, Target, Host string
	// Minor is the version's: 0 or 1.
	Minor int
	Fields
	Framing
	// Closes is set when the client wants the connection to be closed afterwards.
	Closes bool
	// Options is set when Connection has an option other than close and keep-alive.
	Options bool
}

// ParseRequest reads the head at the beginning of b, and says how many bytes it takes: 0 if it is not complete. maxFields is how many
// fields it may have.
func ParseRequest(b []byte, r *Request, maxFields int) (n int, err error) {
	first, rest, ok, err := line(b)
	if err != nil || !ok {
		return 0, err
	}
	if err := r.requestLine(first); err != nil {
		return 0, err
	}
	rest, ok, err = r.block(rest, maxFields)
	if err != nil || !ok {
		return 0, err
	}
	if r.Framing, err = r.framing(r.Minor); err != nil {
		return 0, err
	}
	if err := r.host(); err != nil {
		return 0, err
	}
	r.connection()
	return len(b) - len(rest), nil
}

func (r *Request) requestLine(content []byte) error {
	method, after, ok := bytes.Cut(content, []byte{' '})
	if !ok || len(method) == 0 || !all(method, tokenByte) {
		return ErrRequestLine
	}
	target, version, ok := bytes.Cut(after, []byte{' '})
	if !ok || len(target) == 0 {
		return ErrRequestLine
	}
	for _, c := range target {
		if bytesAre[c]&targetByte == 0 && c < 0x80 {
			return ErrRequestLine
		}
	}
	minor, err := version11(version)
	if err != nil {
		return err
	}
	r.Method, r.Target, r.Minor = text(method), text(target), minor
	return nil
}

// version11 reads a version.
func version11(b []byte) (minor int, err error) {
	switch string(b) {
	case "HTTP/1.1":
		return 1, nil
	case "HTTP/1.0":
		return 0, nil
	}
	if len(b) == len("HTTP/x.y") && bytes.HasPrefix(b, []byte("HTTP/")) && b[6] == '.' && bytesAre[b[5]]&bytesAre[b[7]]&digitByte != 0 {
		return 0, ErrVersion
	}
	return 0, ErrRequestLine
}

func (r *Request) host() error {
	i := r.find("Host", 0)
	if i < 0 {
		if r.Host = ""; r.Minor == 0 {
			return nil
		}
		return ErrHost
	}
	if r.find("Host", i+1) >= 0 {
		return ErrHost
	}
	r.Host = r.values[i]
	return nil
}

// Foreign reports whether the target is in absolute form and names another authority than Host: two requests in one (RFC 9112, section 3.2.2).
func (r *Request) Foreign() bool {
	if r.Target[0] == '/' {
		return false
	}
	_, rest, ok := strings.Cut(r.Target, "://")
	if !ok {
		return false
	}
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return !EqualFold(rest, r.Host)
}

// connection reads the options of Connection.
func (r *Request) connection() {
	r.Closes, r.Options = r.Fields.closes(r.Minor)
}

// closes reports whether the connection ends after the message, and whether Connection says anything else.
func (f *Fields) closes(minor int) (closes, options bool) {
	closes = minor == 0
	for i := f.find("Connection", 0); i >= 0; i = f.find("Connection", i+1) {
		rest, more := f.values[i], true
		for more {
			var option string
			option, rest, more = nextElement(rest)
			switch {
			case option == "":
			case EqualFold(option, "close"):
				closes = true
			case EqualFold(option, "keep-alive"):
			default:
				options = true
			}
		}
	}
	return closes, options
}

// nextElement gives the first element of a list (RFC 9110, section 5.6.1), and what is left of it.
func nextElement(list string) (element, rest string, more bool) {
	end := 0
	for end < len(list) && list[end] != ',' {
		end++
	}
	element = list[:end]
	if end < len(list) {
		rest, more = list[end+1:], true
	}
	for element != "" && blank(element[0]) {
		element = element[1:]
	}
	for element != "" && blank(element[len(element)-1]) {
		element = element[:len(element)-1]
	}
	return element, rest, more
}

// Named reports whether Connection names a field.
func (f *Fields) Named(name string) bool {
	for i := f.find("Connection", 0); i >= 0; i = f.find("Connection", i+1) {
		rest, more := f.values[i], true
		for more {
			var option string
			if option, rest, more = nextElement(rest); EqualFold(option, name) {
				return true
			}
		}
	}
	return false
}

// HasElement reports whether a list field has an element, in any case of letters.
func (f *Fields) HasElement(name, want string) bool {
	for i := f.find(name, 0); i >= 0; i = f.find(name, i+1) {
		rest, more := f.values[i], true
		for more {
			var element string
			if element, rest, more = nextElement(rest); EqualFold(element, want) {
				return true
			}
		}
	}
	return false
}
