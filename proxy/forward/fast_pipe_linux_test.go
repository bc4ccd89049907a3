package forward_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// Many long responses at once have a pipe each. When they have ended, all together, 32 are kept at most: each is two descriptors.
func TestCarryKeepsFewPipes(t *testing.T) {
	const responses, kept, size = 96, 32, 300_000
	end := make(chan struct{})
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		select {
		case <-end:
			_, _ = c.Write(make([]byte, size))
		case <-time.After(patience):
		}
	})
	fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
	before := openPipes(t)
	for range responses {
		c := fr.client()
		c.say("%s", plainGet)
		go func() { _, _ = io.Copy(io.Discard, c) }()
	}
	deadline := time.Now().Add(patience / 2)
	for openPipes(t) < 2*responses && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if got := openPipes(t); got < 2*responses {
		t.Errorf("%d responses under way have %d ends of pipes", responses, got)
	}
	close(end)
	for range responses {
		wantReason(t, fr.outcome(), reason.None)
	}
	if got := openPipes(t) - before; got > 2*kept {
		t.Errorf("%d ends of pipes more than before are open after %d responses; want %d at most", got, responses, 2*kept)
	}
}

// openPipes is how many descriptors of this process are ends of pipes.
func openPipes(t *testing.T) (n int) {
	t.Helper()
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if to, err := os.Readlink(path); err == nil && strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}
