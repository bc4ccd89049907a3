//go:build unix

package forward

import (
	"io"
	"net"
	"os"
	"syscall"
)

// try reads what has arrived, without waiting. It runs under the connection's read lock and always says that it is done.
func (t *trial) try(fd uintptr) bool {
	n, err := syscall.Read(int(fd), t.p)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return true
	case err != nil:
		// Not left to the next read: the kernel tells a reset only once, and then calls it the end.
		t.err = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", err)}
	case n == 0:
		t.err = io.EOF
	default:
		t.n = n
	}
	t.done = true
	return true
}
