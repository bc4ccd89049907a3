//go:build !race

package http1_test

import (
	"testing"

	"triage/proxy/http1"
)

// It costs a connection that is in order no memory.
func TestFollowerDoesNotAllocate(t *testing.T) {
	f := http1.Follower{MaxHeader: 8 << 10, MaxFields: 100}
	text := []byte("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /a HTTP/1.1\r\nHost: h\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() { f.Follow(text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
