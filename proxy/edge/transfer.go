package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// writeChunk is the most that is written under one deadline; so it is also the slowest a client may be.
	writeChunk = 64 << 10
	copyBuffer = 32 << 10
	// headBuffer is how much net/http holds back before it decides on the header and sends it.
	headBuffer = 2 << 10
)

// transfer is one request and its response under rolling deadlines. It is the http.ResponseWriter that the handler sees.
type transfer struct {
	http.ResponseWriter
	from   *Listener
	client Client
	body   body
	pace   pace

	// started is set when the final header is fixed, sent when net/http has surely sent it.
	started, sent bool
	written       int64
	effort        *effort
	doubt         *doubt
	request       int // its number on the connection
	// old is the client if it speaks HTTP/1.0, whole is set when the handler has returned by itself.
	old   *peer
	whole bool
	// hijacked is set when the connection is the handler's.
	hijacked bool
	// duplex is set when the handler reads while it writes, and net/http does not finish the body first.
	duplex bool
}

func (l *Listener) newTransfer(w http.ResponseWriter, r *http.Request, p *policy) *transfer {
	t := &transfer{ResponseWriter: w, from: l, client: identifyRequest(r, p), effort: peerOf(r.Context()).effort(), doubt: peerOf(r.Context()).doubt(r)}
	t.request = t.doubt.begin()
	if !r.ProtoAtLeast(1, 1) {
		t.old = peerOf(r.Context())
	}
	t.body.effort = t.effort
	t.pace.init(w, r.ProtoMajor, true, p.Shortage.Scale(p.Write, bodyFloor))
	if r.Body != nil && r.Body != http.NoBody {
		t.body.inner = r.Body
		t.body.pace.init(w, r.ProtoMajor, false, p.Shortage.Scale(p.Read, bodyFloor))
		if !streams(r) {
			t.body.pace.atLeast(p.BodyRate)
		}
	}
	return t
}

// streams reports whether a request's body may rest for as long as its sender likes, since it is a stream of messages: gRPC's.
func streams(r *http.Request) bool {
	return r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// WriteHeader sends an informational header at once, and fixes the final one.
func (t *transfer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		t.start()
		t.ResponseWriter.WriteHeader(status)
		return
	}
	t.pace.before(0)
	t.ResponseWriter.WriteHeader(status)
	t.pace.after()
}

// start prepares for the final header.
func (t *transfer) start() {
	if t.started {
		return
	}
	t.started = true
	if t.body.broken() || t.doubt.of(t.request) != nil {
		// What is left on the wire must not be taken for the next request (RFC 9112, section 6.3).
		t.Header().Set("Connection", "close")
	}
}

// Write writes to the client.
func (t *transfer) Write(p []byte) (int, error) {
	t.start()
	written := 0
	for {
		chunk := p[written:min(len(p), written+writeChunk)]
		t.before()
		n, err := t.ResponseWriter.Write(chunk)
		t.after(n)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// before is called before bytes go out. Those that take the header with them may have to wait for the rest of the body.
func (t *transfer) before() {
	var wait time.Duration
	if !t.sent && !t.duplex {
		wait = t.body.linger()
	}
	t.pace.before(wait)
}

func (t *transfer) after(n int) {
	t.written += int64(n)
	t.effort.owed(int64(n) / updates)
	t.sent = t.sent || t.written > headBuffer
	t.pace.after()
}

// WriteString writes to the client.
func (t *transfer) WriteString(s string) (int, error) {
	if len(s) > writeChunk {
		return t.Write([]byte(s))
	}
	t.start()
	t.before()
	n, err := io.WriteString(t.ResponseWriter, s)
	t.after(n)
	return n, err
}

// ReadFrom copies from src with a buffer of the listener's. net/http's own would read and write under one deadline, so
// that a source that rests for longer than the limit would cut a client that is not at fault.
func (t *transfer) ReadFrom(src io.Reader) (int64, error) {
	buffer := t.from.buffers.Get().(*[copyBuffer]byte)
	defer t.from.buffers.Put(buffer)
	var total int64
	for {
		n, err := src.Read(buffer[:])
		if n > 0 {
			written, werr := t.Write(buffer[:n])
			total += int64(written)
			if werr != nil {
				return total, werr
			}
		}
		switch err {
		case nil:
		case io.EOF:
			return total, nil
		default:
			return total, err
		}
	}
}

// Flush sends what is buffered.
func (t *transfer) Flush() { _ = t.FlushError() }

// FlushError sends what is buffered.
func (t *transfer) FlushError() error {
	t.start()
	t.before()
	err := http.NewResponseController(t.ResponseWriter).Flush()
	t.sent = true
	t.pace.after()
	return err
}

// EnableFullDuplex lets the handler of an HTTP/1.1 request read while it writes.
func (t *transfer) EnableFullDuplex() error {
	err := http.NewResponseController(t.ResponseWriter).EnableFullDuplex()
	if err == nil {
		t.duplex = true
	}
	return err
}

// Hijack hands the connection over, without deadlines.
func (t *transfer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("hijacking: %w", err)
	}
	t.hijacked = true
	t.effort.release()
	t.doubt.end()
	t.body.mu.Lock()
	t.body.ended = true
	t.body.mu.Unlock()
	return c, rw, nil
}

// Unwrap gives http.ResponseController the rest.
func (t *transfer) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// end is called when the handler has returned: what net/http still reads and writes gets a last deadline.
func (t *transfer) end() {
	if t.hijacked {
		return
	}
	t.before()
	t.body.end()
	if !t.whole {
		t.old.reset()
	}
}

// finish is called when the handler has returned by itself. It cuts a connection that net/http would use again although
// the body broke in the middle: in full duplex the header is out by then, and did not say so.
func (t *transfer) finish() {
	switch {
	case t.hijacked:
	case t.started && t.duplex && t.body.broken():
		panic(http.ErrAbortHandler)
	default:
		t.start()
	}
	t.whole = true
}
