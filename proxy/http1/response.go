package http1

// Response is the head of one response. Its texts are windows on the buffer that it was read from.
type Response struct {
	Status int
	// Phrase is the reason phrase.
	Phrase string
	Minor  int
	Fields
	Framing
	// Closes is set when the connection cannot be used again.
	Closes bool
	// Options is set when Connection has an option other than close and keep-alive.
	Options bool
}

// ParseResponse reads the head at the beginning of b, and says how many bytes it takes: 0 if it is not complete. bodyless is set for the
// answer to a HEAD.
func ParseResponse(b []byte, r *Response, bodyless bool, maxFields int) (n int, err error) {
	first, rest, ok, err := line(b)
	if err != nil || !ok {
		return 0, err
	}
	if err := r.statusLine(first); err != nil {
		return 0, err
	}
	rest, ok, err = r.block(rest, maxFields)
	if err != nil || !ok {
		return 0, err
	}
	if err := r.body(bodyless); err != nil {
		return 0, err
	}
	closes, options := r.closes(r.Minor)
	r.Closes, r.Options = closes || r.UntilClose, options
	return len(b) - len(rest), nil
}

func (r *Response) statusLine(content []byte) error {
	if len(content) < len("HTTP/1.1 200") || content[8] != ' ' || len(content) > 12 && content[12] != ' ' {
		return ErrStatusLine
	}
	minor, err := version11(content[:8])
	if err != nil {
		return ErrStatusLine
	}
	status, ok := number(text(content[9:12]))
	if !ok || status < 100 {
		return ErrStatusLine
	}
	phrase := content[12:]
	if len(phrase) > 0 {
		phrase = phrase[1:]
	}
	if !all(phrase, valueByte) {
		return ErrStatusLine
	}
	r.Status, r.Phrase, r.Minor = int(status), text(phrase), minor
	return nil
}

// body finds the body's framing: RFC 9112, section 6.3.
func (r *Response) body(bodyless bool) error {
	framing, err := r.framing(r.Minor)
	if err != nil {
		return err
	}
	r.Framing = framing
	if bodyless || r.Status < 200 || r.Status == 204 || r.Status == 304 {
		// What is said of the length is said of the answer to a GET.
		r.Framing = Framing{Said: framing.Said}
		return nil
	}
	if !framing.Chunked && !framing.Said {
		r.UntilClose = true
	}
	return nil
}
