package http1

import (
	"net"
	"os"
	"syscall"
	"unsafe"
)

// Supported says whether this system's sockets can be read and waited for as this package does. Where they cannot, nothing goes by it.
const Supported = true

// The calls below never wait, for the sockets are in non-blocking mode; so the scheduler need not be told of them, which would cost as
// much as a small read.

// sysRead receives, which costs less than read(2): that first has to find out that it is not a file.
func sysRead(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	return int(n), errno
}

func sysWrite(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

// sysPeek looks whether there is something to read: 0 bytes without an error are the end.
func sysPeek(fd int) (int, syscall.Errno) {
	var one [1]byte
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&one)), 1, syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// event is what the kernel tells of one socket.
type event = syscall.EpollEvent

const (
	toRead  = syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
	toWrite = syscall.EPOLLOUT | syscall.EPOLLHUP | syscall.EPOLLERR
	// eachEdge makes the kernel tell of each change once, so that nothing has to be asked for again.
	eachEdge = 1 << 31
)

// newEvents opens what the kernel tells of events on, as a file that itself can be waited for.
func newEvents() (int, *os.File, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return 0, nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return 0, nil, os.NewSyscallError("fcntl", err)
	}
	return fd, os.NewFile(uintptr(fd), "events"), nil
}

func watch(events, fd int, index int32) error {
	e := event{Events: toRead | toWrite | eachEdge, Fd: index}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(events, syscall.EPOLL_CTL_ADD, fd, &e))
}

// unwatch is for a socket that goes on under another descriptor: one that is closed is forgotten by itself.
func unwatch(events, fd int) {
	_ = syscall.EpollCtl(events, syscall.EPOLL_CTL_DEL, fd, &event{})
}

// takeEvents gives what has happened, without waiting.
func takeEvents(events int, space []event) int {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(events), uintptr(unsafe.Pointer(unsafe.SliceData(space))), uintptr(len(space)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// again gives a connection's socket a second descriptor.
func again(tcp *net.TCPConn) (fd int, err error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	var errno syscall.Errno
	err = raw.Control(func(old uintptr) {
		var n uintptr
		n, _, errno = syscall.RawSyscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
		fd = int(n)
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("fcntl", errno)
	}
	return fd, err
}

func sysShutdown(fd, how int) error { return os.NewSyscallError("shutdown", syscall.Shutdown(fd, how)) }
func sysClose(fd int) error         { return os.NewSyscallError("close", syscall.Close(fd)) }

const (
	shutWrite = syscall.SHUT_WR
	shutBoth  = syscall.SHUT_RDWR
)
