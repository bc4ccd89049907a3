package handover

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// known says which process is the other side, and reports an error if it is neither the same user nor root.
func known(c *net.UnixConn) (pid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var who *syscall.Ucred
	var asked error
	if err := raw.Control(func(fd uintptr) {
		who, asked = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if asked != nil {
		return 0, os.NewSyscallError("getsockopt", asked)
	}
	if int(who.Uid) != os.Geteuid() && who.Uid != 0 {
		return 0, fmt.Errorf("process %d runs as user %d; want user %d, as this one, or root", who.Pid, who.Uid, os.Geteuid())
	}
	return int(who.Pid), nil
}
