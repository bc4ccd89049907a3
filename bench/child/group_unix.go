//go:build unix

package child

import (
	"errors"
	"syscall"
)

// ownGroup makes a child the first of a process group of its own.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// kill ends it and whatever it has started: a master that is killed alone leaves its workers.
func (p *Process) kill() error {
	err := syscall.Kill(-p.PID(), syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return nil // gone meanwhile
	}
	return err
}

// CanStand says whether a process can be made to stand still.
const CanStand = true

// Stand lets a process stand still, or go on.
func (p *Process) Stand(still bool) error {
	s := syscall.SIGCONT
	if still {
		s = syscall.SIGSTOP
	}
	return p.cmd.Process.Signal(s)
}
