//go:build !unix

package child

import (
	"errors"
	"syscall"
)

// ownGroup is nothing that this system knows.
func ownGroup() *syscall.SysProcAttr { return nil }

func (p *Process) kill() error { return p.cmd.Process.Kill() }

// CanStand says whether a process can be made to stand still.
const CanStand = false

// Stand cannot be done here.
func (p *Process) Stand(bool) error { return errors.ErrUnsupported }
