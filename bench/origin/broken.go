package origin

import (
	"net"
	"net/http"
	"strconv"
	"sync"
)

// reset ends a connection without an answer, as a process does that is killed with data unread.
func reset(w http.ResponseWriter) {
	nc, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the nearest that such a connection can do
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = nc.Close()
}

// half answers with a header and half of the body that it promises, and ends the connection.
func half(w http.ResponseWriter, body []byte) {
	if len(body) < 2 {
		body = []byte("xx")
	}
	header := w.Header()
	header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(http.StatusOK)
	w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// door says whether connections are refused.
type door struct {
	mu     sync.Mutex
	shut   bool
	moved  chan struct{} // closed when it moves
	always chan struct{} // closed
}

func newDoor() *door {
	d := &door{moved: make(chan struct{}), always: make(chan struct{})}
	close(d.always)
	return d
}

func (d *door) set(shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut != shut {
		d.shut = shut
		close(d.moved)
		d.moved = make(chan struct{})
	}
}

// when is closed as soon as the door is shut, or open.
func (d *door) when(shut bool) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut == shut {
		return d.always
	}
	return d.moved
}
