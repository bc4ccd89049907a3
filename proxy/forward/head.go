package forward

import (
	"errors"
	"maps"
	"net/http"
	"sync"
)

// informational is how many 1xx responses an endpoint may send before its final one. Nobody is known to send more than
// three; without a bound an endpoint could send them for ever.
const informational = 16

var errInformational = errors.New("more than 16 informational responses before the final one")

// head serialises what goes to the client outside of Forward's own goroutine. The transport's reading goroutine brings 1xx
// responses and its writing goroutine asks for the body, which sends 100 Continue; net/http's writer expects one at a time.
// It also knows what the client has not seen yet.
type head struct {
	a *attempt

	mu        sync.Mutex
	closed    bool
	continued bool
	informed  int
	// reading is set while the response body is read, pending while something was written and not sent off.
	reading bool
	pending bool
}

// close ends the time of informational responses.
func (h *head) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
}

// inform passes a 1xx response on. Its error ends the exchange.
func (h *head) inform(code int, header http.Header) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.informed++
	if h.informed > informational {
		return errInformational
	}
	h.writeLocked(code, header)
	return nil
}

// goOn tells a client that waits for it to send its body. net/http would do so by itself on the first read, but from
// the reading goroutine and without regard to a 1xx response that is being written at the same time.
func (h *head) goOn() {
	if h.a.r.ProtoMajor != 1 || !hasToken(h.a.r.Header["Expect"], "100-continue") {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.continued {
		h.writeLocked(http.StatusContinue, nil)
	}
}

// writeLocked sends a 1xx response with its own fields only: net/http would add those that wait for the final one.
func (h *head) writeLocked(code int, header http.Header) {
	if h.closed || !h.a.r.ProtoAtLeast(1, 1) {
		return
	}
	if code == http.StatusContinue {
		h.continued = true
	}
	fields := h.a.w.Header()
	saved := maps.Clone(fields)
	clear(fields)
	copyHeader(fields, header)
	h.a.w.WriteHeader(code)
	clear(fields)
	maps.Copy(fields, saved)
}

// body says whether the response body is being read now.
func (h *head) body(reading bool) {
	h.mu.Lock()
	h.reading = reading
	h.mu.Unlock()
}

func (h *head) inBody() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reading
}

// wrote notes that the client has not seen everything.
func (h *head) wrote() {
	h.mu.Lock()
	h.pending = true
	h.mu.Unlock()
}

// beforeWait is called when the rest of the response body has not arrived yet: the moment to send off what has, and to
// start the clock. Neither happens while the endpoint keeps up.
func (h *head) beforeWait() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.reading {
		return
	}
	if h.pending {
		h.pending = false
		// An error shows again on the next write.
		_ = h.a.rc.Flush()
	}
	h.a.watch.wait(responseBody, h.a.f.settings.IdleTimeout)
}
