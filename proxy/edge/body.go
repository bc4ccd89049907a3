package edge

import (
	"io"
	"net/http"
	"sync"
	"time"

	"triage/proxy/http1"
)

// body is the request body under a rolling deadline. A transport may go on reading it in a goroutine of its own when
// the handler has returned, and the connection belongs to the next request: then it must not touch the deadline.
type body struct {
	inner  io.ReadCloser
	pace   pace
	effort *effort

	mu sync.Mutex
	// ended is set when the handler has returned or the connection was hijacked.
	ended bool
	// whole is set when the body was read to its end, failed when it was found to be broken or stuck.
	whole, failed bool
}

// Read reads from the client.
func (b *body) Read(p []byte) (int, error) {
	if !b.begin() {
		return 0, http.ErrBodyReadAfterClose
	}
	begun := http1.Now()
	n, err := b.inner.Read(p)
	b.effort.owed(framing * int64(n))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pace.waited(http1.Now()-begun, n)
	switch {
	case b.ended:
	case err == nil:
		b.pace.after()
	case err == io.EOF:
		b.whole = true
		// From here on net/http watches for a client that hangs up, and a deadline would look like one that did.
		b.pace.clear()
	default:
		b.failed = true
	}
	return n, err
}

// Close closes the body. net/http reads some of what is left, so that takes a deadline too.
func (b *body) Close() error {
	if !b.begin() {
		return nil
	}
	err := b.inner.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.pace.after()
	}
	return err
}

// begin moves the deadline for an operation; false means that it must not take place.
func (b *body) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	if !b.whole {
		b.pace.before(0)
	}
	return true
}

// linger sets the deadline for what net/http does by itself before it sends the response's header: it reads the rest
// of a small body. It gives the time that this may take.
func (b *body) linger() time.Duration {
	if b.inner == nil || b.pace.perCall || !b.begin() {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole {
		return 0
	}
	return b.pace.limit + b.pace.slack()
}

// end lets go of the body.
func (b *body) end() {
	if b.inner == nil {
		return
	}
	b.linger()
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
}

func (b *body) broken() bool {
	if b.inner == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}
