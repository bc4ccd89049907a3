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

// head serialises what goes to the client before the final response header, and the flush of that header. The
// transport's reading goroutine brings 1xx responses, its writing goroutine asks for the body (which sends 100 Continue),
// and the watch flushes; net/http's writer expects one of them at a time.
type head struct {
	a *attempt

	mu        sync.Mutex
	closed    bool
	continued bool
	flushable bool
	informed  int
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

// mayFlush says whether the header may be flushed by the watch; it waits for a flush under way.
func (h *head) mayFlush(yes bool) {
	h.mu.Lock()
	h.flushable = yes
	h.mu.Unlock()
}

func (h *head) flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flushable {
		// An error shows again on the next write.
		_ = h.a.rc.Flush()
	}
}
