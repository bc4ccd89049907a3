package proxy

import (
	"encoding/json"
	"strconv"

	"triage/proxy/reason"
)

// problem is the body of a refusal (RFC 9457) with two members of our own, as JSON but for what is a request's: head is what comes before
// its id, tail what comes after.
type problem struct{ head, tail string }

var problems = func() []problem {
	all := make([]problem, len(reason.All())+1)
	for _, why := range reason.All() {
		all[why] = problem{
			head: `{"type":` + quoted(problemType(why)) + `,"title":` + quoted(why.Title()) + `,"status":` + strconv.Itoa(why.Status()) +
				`,"detail":` + quoted(why.Doc()) + `,"instance":"urn:request:`,
			tail: `","reason":` + quoted(why.String()),
		}
	}
	return all
}()

// append writes the body. Where there is nothing to wait for the last member is left out.
func (p problem) append(dst []byte, id string, wait int) []byte {
	dst = append(dst, p.head...)
	if plain(id) {
		dst = append(dst, id...)
	} else {
		said := quoted(id)
		dst = append(dst, said[1:len(said)-1]...)
	}
	dst = append(dst, p.tail...)
	if wait > 0 {
		dst = strconv.AppendInt(append(dst, `,"retry_after":`...), int64(wait), 10)
	}
	return append(dst, '}')
}

// plain reports whether a text stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20 || c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// quoted is a text as JSON. A text has nothing that JSON cannot say.
func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// problemType is the registered type of the IANA registry "HTTP Problem Types" where there is one.
func problemType(r reason.Reason) string {
	switch {
	case r == reason.Quota:
		return "https://iana.org/assignments/http-problem-types#quota-exceeded"
	case r.Shed():
		return "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
	}
	return "about:blank"
}
