//go:build !linux

package handover

import "net"

// known leaves it to the mode of the desk's file, and does not know which process it is.
func known(*net.UnixConn) (pid int, err error) { return 0, nil }
