//go:build !unix

package http1

import "syscall"

// Supported says whether this system's sockets can be read without waiting. Where they cannot, nothing goes by this package.
const Supported = false

func sysRead(uintptr, []byte) (int, syscall.Errno)  { return 0, syscall.ENOSYS }
func sysWrite(uintptr, []byte) (int, syscall.Errno) { return 0, syscall.ENOSYS }
func sysPeek(uintptr) (int, syscall.Errno)          { return 0, syscall.ENOSYS }
