package http1

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// Pipe carries bytes from one connection to another inside the kernel.
type Pipe struct {
	read, write int
	// held is how much is in it.
	held int
}

const (
	// pipeSize is how much a pipe is asked to hold; the kernel may give less.
	pipeSize = 256 << 10
	// keptPipes is how many are kept, mostPipes how many there are at once: each is two descriptors, and whoever sends or reads slowly holds his
	// for long. 256 of this size are also what the kernel allows a user (pipe-user-pages-soft, 64 MiB); those beyond it would be of two pages.
	keptPipes = 32
	mostPipes = 256

	setPipeSize    = 1031 // F_SETPIPE_SZ
	spliceMove     = 1
	spliceNonblock = 2
)

// pipes are kept for others who need one, and are empty then; open counts those in use too.
var pipes struct {
	mu   sync.Mutex
	kept []*Pipe
	open int
}

// denied is set when the kernel, or who confines this process, does not let it splice.
var denied atomic.Bool

// OpenPipe gives an empty pipe; nil if there is none to be had.
func OpenPipe() *Pipe {
	if denied.Load() {
		return nil
	}
	pipes.mu.Lock()
	if last := len(pipes.kept) - 1; last >= 0 {
		p := pipes.kept[last]
		pipes.kept = pipes.kept[:last]
		pipes.mu.Unlock()
		return p
	}
	if pipes.open == mostPipes {
		pipes.mu.Unlock()
		return nil
	}
	pipes.open++
	pipes.mu.Unlock()
	var ends [2]int
	if syscall.Pipe2(ends[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		closed()
		return nil
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(ends[1]), setPipeSize, pipeSize)
	return &Pipe{read: ends[0], write: ends[1]}
}

// Close lets go of the pipe.
func (p *Pipe) Close() {
	if p.held == 0 {
		pipes.mu.Lock()
		if len(pipes.kept) < keptPipes {
			pipes.kept = append(pipes.kept, p)
			pipes.mu.Unlock()
			return
		}
		pipes.mu.Unlock()
	}
	_ = sysClose(p.read)
	_ = sysClose(p.write)
	closed()
}

// closed counts a pipe that there is no more.
func closed() {
	pipes.mu.Lock()
	pipes.open--
	pipes.mu.Unlock()
}

// Held is how much is in the pipe.
func (p *Pipe) Held() int { return p.held }

// Draw takes up to most bytes from a connection on which nothing is buffered, and waits as Fill does. The pipe must be empty.
func (p *Pipe) Draw(from *Conn, most int64) (int, error) {
	for {
		n, errno := splice(from.fd, p.write, min(most, pipeSize))
		switch {
		case errno == 0 && n == 0:
			return 0, io.EOF
		case errno == 0:
			p.held += n
			return n, nil
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			if err := from.slot.wait(&from.slot.read); err != nil {
				return 0, err
			}
		case errno == syscall.ENOSYS || errno == syscall.EPERM || errno == syscall.EINVAL:
			denied.Store(true)
			return 0, ErrNoPipe
		default:
			return 0, os.NewSyscallError("splice", errno)
		}
	}
}

// Pour writes up to most bytes of what is in the pipe, and waits as Write does.
func (p *Pipe) Pour(to *Conn, most int) (written int, err error) {
	for most = min(most, p.held); written < most; {
		n, errno := splice(p.read, to.fd, int64(most-written))
		switch errno {
		case 0:
			written += n
			p.held -= n
		case syscall.EINTR:
		case syscall.EAGAIN:
			if err := to.slot.wait(&to.slot.write); err != nil {
				return written, err
			}
		default:
			return written, os.NewSyscallError("splice", errno)
		}
	}
	return written, nil
}

// TakeBack gives what is in the pipe.
func (p *Pipe) TakeBack() ([]byte, error) {
	b := make([]byte, p.held)
	for got := 0; got < len(b); {
		n, err := syscall.Read(p.read, b[got:])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return nil, os.NewSyscallError("read", err)
		}
		got += n
		p.held -= n
	}
	return b, nil
}

func splice(from, to int, most int64) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(most), spliceMove|spliceNonblock)
	return int(n), errno
}
