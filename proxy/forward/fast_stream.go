package forward

import (
	"errors"
	"io"

	"triage/proxy/http1"
)

// sendError is a write to the client that failed.
type sendError struct{ err error }

func (e *sendError) Error() string { return "writing the response: " + e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

// delivery is a response's body on its way from the endpoint to the client.
type delivery struct {
	*Carrier
	body    *http1.Body
	chunked bool
	// b is what is sent next, inB how much of that is body, taken how much of the body has come.
	b          []byte
	inB, taken int64
}

// stream passes the body on, after what b has. What has arrived is sent off before anybody waits.
func (x *Carrier) stream(b []byte) error {
	r := &x.peer.Response
	d := delivery{Carrier: x, body: &x.peer.Body, chunked: r.Framing.Chunked || r.UntilClose, b: b}
	if left := d.body.Left(); left > 16<<10 && left < longBody {
		x.peer.Widen()
	}
	for {
		piece, err := d.body.Next()
		ended := false
		switch {
		case err != nil:
			return errors.Join(err, d.flush())
		case len(piece) > 0:
			err = d.add(piece)
		case d.body.Whole():
			return d.end()
		default:
			ended, err = d.more()
		}
		if ended || err != nil {
			return err
		}
	}
}

// add puts a piece of the body behind what is sent next, or sends it by itself if there is no room.
func (d *delivery) add(piece []byte) error {
	if d.taken += int64(len(piece)); d.exceeds(d.taken) {
		return errors.Join(errResponseTooLarge, d.flush())
	}
	if len(d.b)+len(piece)+chunkFrame <= cap(d.b) {
		if d.chunked {
			d.b = http1.AppendChunk(d.b, piece)
		} else {
			d.b = append(d.b, piece...)
		}
		d.inB += int64(len(piece))
		return nil
	}
	if d.chunked {
		d.b = http1.AppendChunkHead(d.b, len(piece))
	}
	if err := d.flush(); err != nil {
		return err
	}
	n, err := d.c.SendAt(d.now, piece)
	d.now = http1.Now()
	d.out.BytesOut += int64(n)
	if err != nil {
		return &sendError{err}
	}
	if d.chunked {
		d.b = append(d.b, "\r\n"...)
	}
	return nil
}

// flush sends what is to be sent next.
func (d *delivery) flush() error {
	n, err := d.c.SendAt(d.now, d.b)
	if len(d.b) > 4<<10 { // a client that takes little may have to be waited for
		d.now = http1.Now()
	}
	if err != nil {
		d.inB = max(0, d.inB-int64(len(d.b)-n))
	}
	d.out.BytesOut += d.inB
	d.b, d.inB = d.b[:0], 0
	if err != nil {
		return &sendError{err}
	}
	return nil
}

// more waits for the endpoint to send more. ended: the body has gone another way, to its end.
func (d *delivery) more() (ended bool, err error) {
	if d.body.Left() >= longBody {
		if err := d.flush(); err != nil {
			return false, err
		}
		if piped, err := d.pipe(); piped || err != nil {
			return piped, err
		}
	}
	some, err := d.peer.FillNow()
	if err == nil && !some {
		if err := d.flush(); err != nil {
			return false, err
		}
		d.now = http1.Now()
		err = d.fillPeer(d.now + d.f.settings.IdleTimeout)
	}
	switch {
	case err == nil:
		return false, nil
	case err == io.EOF && d.body.EndsWithConnection():
		d.body.Reset(&d.peer.Conn, http1.Framing{})
		return false, nil
	}
	return false, errors.Join(err, d.flush())
}

// end sends what is left, with the last chunk.
func (d *delivery) end() error {
	if d.chunked {
		d.b = append(d.b, "0\r\n"...)
		d.b = append(appendTrailer(d.b, &d.body.Trailer), "\r\n"...)
	}
	return d.flush()
}
