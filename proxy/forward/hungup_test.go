package forward_test

import "syscall"

// hungUp reports whether the far side of a socket has reset or closed it, without reading.
func hungUp(fd uintptr) bool {
	// TCP_INFO's first byte is the state; 1 is ESTABLISHED (netinet/tcp.h).
	state, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO)
	return err != nil || state&0xff != 1
}
