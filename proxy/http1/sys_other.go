//go:build !linux

package http1

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// Supported says whether this system's sockets can be read and waited for as this package does. Where they cannot, nothing goes by it.
const Supported = false

var errUnsupported = errors.New("the fast lane is for Linux")

// event is what the kernel tells of one socket.
type event struct {
	Events uint32
	Fd     int32
}

const (
	toRead    = 1
	toWrite   = 2
	shutWrite = 1
	shutBoth  = 2
)

func sysRead(int, []byte) (int, syscall.Errno)  { return 0, syscall.ENOSYS }
func sysWrite(int, []byte) (int, syscall.Errno) { return 0, syscall.ENOSYS }
func sysPeek(int) (int, syscall.Errno)          { return 0, syscall.ENOSYS }
func sysShutdown(int, int) error                { return errUnsupported }
func sysClose(int) error                        { return errUnsupported }
func newEvents() (int, *os.File, error)         { return 0, nil, errUnsupported }
func watch(int, int, int32) error               { return errUnsupported }
func unwatch(int, int)                          {}
func takeEvents(int, []event) int               { return 0 }
func again(*net.TCPConn) (int, error)           { return 0, errUnsupported }
