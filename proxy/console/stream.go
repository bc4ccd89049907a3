package console

import (
	"net/http"
	"time"
)

const (
	// streamFor is how long one stream lasts. Whatever it holds is given back at least once an hour.
	streamFor = time.Hour
	// writeWithin is how long a viewer may take to take something.
	writeWithin = 10 * time.Second
)

// Stream serves frames until the viewer leaves, is too slow, or its time is over. It reports false, having written nothing, when there are too many.
func (c *Console) Stream(w http.ResponseWriter, r *http.Request, who Who, asked bool) bool {
	v, points, ok := c.join()
	if !ok {
		return false
	}
	defer c.leave(v)
	control := http.NewResponseController(w)
	// The server's own deadlines are for answers that end. Where there is no connection, as in a test, there are none.
	_ = control.SetReadDeadline(time.Time{})
	send := func(text []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeWithin))
		_, err := w.Write(text)
		return err == nil && control.Flush() == nil
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store, no-transform")
	w.Header().Set("X-Accel-Buffering", "no")
	over := time.NewTimer(streamFor)
	defer over.Stop()
	if !send(append([]byte("retry: 2000\n"), event("hello", Hello{Who: who, Asked: asked, Points: points})...)) {
		return true
	}
	for {
		select {
		case <-r.Context().Done():
			return true
		case <-over.C:
			return true
		case text, more := <-v.frames:
			if !more || !send(text) {
				return true
			}
		}
	}
}
