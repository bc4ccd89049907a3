package http1

// What a byte may be part of.
const (
	tokenByte  = 1 << iota // a field name or a method: RFC 9110, section 5.6.2
	valueByte              // a field value: section 5.5, obs-text included
	targetByte             // a request target of visible ASCII
	digitByte
)

var bytesAre = func() (table [256]uint8) {
	for c := range 256 {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
		digit := '0' <= c && c <= '9'
		if letter || digit {
			table[c] |= tokenByte
		}
		if digit {
			table[c] |= digitByte
		}
		if c >= 0x20 && c != 0x7f || c == '\t' {
			table[c] |= valueByte
		}
		if c > 0x20 && c < 0x7f {
			table[c] |= targetByte
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		table[c] |= tokenByte
	}
	return table
}()

// lower is the letter case that names are compared in.
var lower = func() (table [256]uint8) {
	for c := range 256 {
		table[c] = uint8(c)
		if 'A' <= c && c <= 'Z' {
			table[c] |= 0x20
		}
	}
	return table
}()

// all reports whether every byte of b may be part of what.
func all(b []byte, what uint8) bool {
	for _, c := range b {
		if bytesAre[c]&what == 0 {
			return false
		}
	}
	return true
}

// EqualFold reports whether two ASCII texts are the same but for the case of letters.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower[a[i]] != lower[b[i]] {
			return false
		}
	}
	return true
}
