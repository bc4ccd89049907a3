package http1

import (
	"bytes"
	"unsafe"
)

// text gives a window on b as a string.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// line gives the first line of b without its end. ok is false while it is not complete.
func line(b []byte) (content, rest []byte, ok bool, err error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return nil, b, false, nil
	}
	if end == 0 || b[end-1] != '\r' {
		return nil, b, false, ErrLine
	}
	return b[:end-1], b[end+1:], true, nil
}

// block reads fields up to the empty line, and says how many bytes of b are left after it. ok is false while they are not complete.
func (f *Fields) block(b []byte, most int) (rest []byte, ok bool, err error) {
	f.reset()
	for {
		content, next, complete, err := line(b)
		if err != nil || !complete {
			return nil, false, err
		}
		if b = next; len(content) == 0 {
			return b, true, nil
		}
		if len(f.names) >= most {
			return nil, false, ErrTooManyFields
		}
		if err := f.field(content); err != nil {
			return nil, false, err
		}
	}
}

// field reads one line.
func (f *Fields) field(content []byte) error {
	if content[0] == ' ' || content[0] == '\t' {
		return ErrFolded
	}
	colon := 0
	for colon < len(content) && bytesAre[content[colon]]&tokenByte != 0 {
		colon++
	}
	if colon == 0 || colon == len(content) || content[colon] != ':' {
		return ErrName
	}
	value := content[colon+1:]
	for len(value) > 0 && blank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && blank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	if !all(value, valueByte) {
		return ErrValue
	}
	f.add(text(content[:colon]), text(value))
	return nil
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// Framing says how long the body of a message is.
type Framing struct {
	// Length is the body's length in bytes; Chunked and UntilClose say that it is not known.
	Length     int64
	Chunked    bool
	UntilClose bool
	// Said is set if a Content-Length stands in the message.
	Said bool
}

// Empty reports whether there is no body.
func (f Framing) Empty() bool { return f.Length == 0 && !f.Chunked && !f.UntilClose }

// framing reads Content-Length and Transfer-Encoding.
func (f *Fields) framing(minor int) (out Framing, err error) {
	length := f.find("Content-Length", 0)
	coding := f.find("Transfer-Encoding", 0)
	if coding >= 0 {
		switch {
		case length >= 0:
			return out, ErrTwoLengths
		case minor == 0 || f.find("Transfer-Encoding", coding+1) >= 0:
			return out, ErrTwoCodings
		case !EqualFold(f.values[coding], "chunked"):
			return out, ErrCoding
		}
		out.Chunked = true
		return out, nil
	}
	if length < 0 {
		return out, nil
	}
	if f.find("Content-Length", length+1) >= 0 {
		return out, ErrTwoLengths
	}
	out.Said = true
	var ok bool
	if out.Length, ok = number(f.values[length]); !ok {
		return out, ErrLength
	}
	return out, nil
}

// number reads a whole number of digits only.
func number(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}
