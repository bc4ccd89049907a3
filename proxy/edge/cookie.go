package edge

import "strings"

// maxCookies is how many cookies a request may have before none is read, as in net/http.
const maxCookies = 3000

// Cookie gives the value of the last cookie of a name, and how many there are. It reads what net/http reads, without making a list.
func Cookie(h Fields, name string) (value string, n int) {
	lines := h.Values("Cookie")
	parts := 0
	for _, line := range lines {
		parts += strings.Count(line, ";") + 1
	}
	if parts > maxCookies {
		return "", 0
	}
	for _, line := range lines {
		for rest, more := line, true; more; {
			var part string
			part, rest, more = strings.Cut(rest, ";")
			if v, ok := cookieNamed(strings.Trim(part, " \t\r\n"), name); ok {
				value = v
				n++
			}
		}
	}
	return value, n
}

// cookieNamed reads one pair, if it has the name (RFC 6265, section 4.2.1, with spaces and quotes as browsers send them).
func cookieNamed(pair, name string) (value string, ok bool) {
	said, value, _ := strings.Cut(pair, "=")
	if strings.Trim(said, " \t\r\n") != name || name == "" {
		return "", false
	}
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	for i := range len(value) {
		if c := value[i]; c < 0x20 || c >= 0x7f || c == '"' || c == ';' || c == '\\' {
			return "", false
		}
	}
	return value, true
}
