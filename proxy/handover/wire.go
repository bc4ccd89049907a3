package handover

import (
	"bufio"
	"net"
	"os"
	"strings"
	"time"
)

// What the two say to each other, a line each.
const (
	hello   = "triage handover 1"
	serving = "serving"
	leaving = "leaving"
)

const (
	// wordFor is how long the other side may take for a line that it has ready.
	wordFor = 5 * time.Second
	// longestWord bounds a line: a thousand addresses.
	longestWord = 64 << 10
	// mostSockets is how many descriptors Linux passes in one message (SCM_MAX_FD).
	mostSockets = 253
)

// Socket is a listening socket and what both processes call it.
type Socket struct {
	Name string
	File *os.File
}

// list is the line that comes with the descriptors.
type list struct {
	PID   int      `json:"pid"`
	Names []string `json:"names"`
}

func say(c *net.UnixConn, word string) error {
	_ = c.SetWriteDeadline(time.Now().Add(wordFor))
	_, err := c.Write([]byte(word + "\n"))
	return err
}

// hear reads one line.
func hear(c *net.UnixConn, r *bufio.Reader, within time.Duration) (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(within))
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(line), "\n"), nil
}
