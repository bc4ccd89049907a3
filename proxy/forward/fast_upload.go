package forward

import (
	"triage/proxy/http1"
	"triage/proxy/reason"
)

const (
	lastChunk = "0\r\n\r\n"
	// chunkFrame is the most that the frame of a chunk takes.
	chunkFrame = 20
)

// upload sends the request. The head goes out together with what is there of the body.
func (x *Carrier) upload() error {
	head := len(x.c.Out)
	b := x.c.Out
	if x.ready != nil {
		b = x.ready
	}
	x.ready = b
	if err := x.c.Continue(); err != nil {
		return errGone
	}
	for {
		var err error
		if b, err = x.gather(b); err != nil {
			return err
		}
		if err := x.ask(); err != nil {
			return err
		}
		if !x.sent {
			x.ready = b
		}
		if err := x.tell(load{bytes: b}); err != nil {
			return err
		}
		x.ready = nil
		if x.c.Body.Whole() {
			// What is sent again, if it is, has no body.
			x.c.Out = x.c.Out[:head]
			return nil
		}
		b = b[:0]
		if x.c.Body.Left() >= longBody {
			if piped, err := x.pipeUp(); piped {
				return err
			}
		}
		if err := x.takeClient(nil); err != nil {
			return err
		}
		if x.peer.Peek() != http1.Quiet {
			return errReply
		}
	}
}

// ask asks whether a body that was slow may go on to its end, when that is there.
func (x *Carrier) ask() error {
	if !x.slow || !x.c.Body.Whole() {
		return nil
	}
	why := x.to.Hooks.WholeBody(x.c)
	x.c.Settle()
	if why != reason.None {
		return &refusal{why}
	}
	return nil
}

// gather adds to b what has arrived of the body, framed as it goes out; with its last piece the end.
func (x *Carrier) gather(b []byte) ([]byte, error) {
	for !x.c.Body.Whole() {
		piece, err := x.c.Body.Next()
		if err != nil {
			return b, &clientError{err}
		}
		x.out.BytesIn += int64(len(piece))
		if x.to.BodyLimit > 0 && x.out.BytesIn > x.to.BodyLimit {
			return b, &clientError{errTooLarge}
		}
		if !x.c.Chunked {
			b = append(b, piece...)
		} else {
			b = http1.AppendChunk(b, piece)
		}
		if len(piece) == 0 && !x.c.Body.Whole() {
			return b, nil
		}
		if x.c.Body.Whole() && x.c.Chunked {
			b = append(b, lastChunk...)
		}
	}
	return b, nil
}
