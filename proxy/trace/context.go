package trace

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// ID names a trace, Span a part of it; none is all zero.
type (
	ID   [16]byte
	Span [8]byte
)

// The flags of a context that we know.
const (
	// Sampled says that the trace is recorded.
	Sampled = 1 << iota
	// Random says that the trace's id is random.
	Random

	known = Sampled | Random
)

// Context is what traceparent says: a trace, the span that the next one is a child of, and flags.
type Context struct {
	Trace ID
	Span  Span
	Flags byte
}

// Fields of a request, in canonical form.
const (
	Parent = "Traceparent"
	State  = "Tracestate"
)

// length is that of version 00: version, trace, span and flags in hexadecimal digits, with hyphens between them.
const length = len("00-") + 2*len(ID{}) + len("-") + 2*len(Span{}) + len("-01")

// Parse reads the values of all traceparent fields of a request. False: there is no context.
func Parse(values []string) (c Context, ok bool) {
	if len(values) != 1 {
		return c, false
	}
	text := values[0]
	if len(text) < length || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return c, false
	}
	var version, flags [1]byte
	if !digits(version[:], text[:2]) || !digits(c.Trace[:], text[3:35]) || !digits(c.Span[:], text[36:52]) || !digits(flags[:], text[53:55]) {
		return c, false
	}
	// What a later version adds begins with a hyphen of its own.
	longer := version[0] > 0 && version[0] < 0xff && len(text) > length && text[length] == '-'
	if version[0] == 0xff || len(text) > length && !longer || c.Trace == (ID{}) || c.Span == (Span{}) {
		return c, false
	}
	c.Flags = flags[0] & known
	return c, true
}

// digits reads hexadecimal digits, which are lower case here (section 3.2.2).
func digits(dst []byte, text string) bool {
	for i := range dst {
		high, low := digit(text[2*i]), digit(text[2*i+1])
		if high > 0xf || low > 0xf {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// Append writes the context as traceparent says it.
func (c Context) Append(dst []byte) []byte {
	dst = hex.AppendEncode(append(dst, "00-"...), c.Trace[:])
	dst = hex.AppendEncode(append(dst, '-'), c.Span[:])
	return hex.AppendEncode(append(dst, '-'), []byte{c.Flags})
}

// NewID draws a trace.
func NewID() (id ID) {
	for id == (ID{}) {
		binary.LittleEndian.PutUint64(id[:], rand.Uint64())
		binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

// NewSpan draws a span.
func NewSpan() (s Span) {
	for s == (Span{}) {
		binary.LittleEndian.PutUint64(s[:], rand.Uint64())
	}
	return s
}

// String gives the hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// String gives the hexadecimal digits.
func (s Span) String() string { return hex.EncodeToString(s[:]) }
