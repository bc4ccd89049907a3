package edge

// Fields are the fields of a request as those read them who decide by them, whichever lane it came by: http.Header is one, and what
// the fast lane has read. The name is given in canonical form.
type Fields interface {
	// Values gives the values of all fields of the name, in order. They must not be changed.
	Values(name string) []string
}

// one gives the value of the first field of a name.
func one(h Fields, name string) (string, bool) {
	if values := h.Values(name); len(values) > 0 {
		return values[0], true
	}
	return "", false
}
