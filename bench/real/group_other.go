//go:build !unix

package real

import (
	"errors"
	"syscall"
)

// ownGroup is nothing that this system knows.
func ownGroup() *syscall.SysProcAttr { return nil }

// CheckDescriptors has nothing to check.
func CheckDescriptors(Trial) error { return nil }

func checkDescriptors(Trial, uint64) error { return nil }

// canStand says whether a process can be made to stand still.
const canStand = false

func (p *process) stand(bool) error { return errors.ErrUnsupported }
