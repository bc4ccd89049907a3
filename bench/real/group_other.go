//go:build !unix

package real

import "syscall"

// ownGroup is nothing that this system knows.
func ownGroup() *syscall.SysProcAttr { return nil }

// CheckDescriptors has nothing to check.
func CheckDescriptors(Trial) error { return nil }
