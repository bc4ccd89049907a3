//go:build unix

package shortage

import "syscall"

// descriptors is the lowest free descriptor ÷ how many there may be.
func descriptors() float64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur == 0 {
		return 0
	}
	free, err := syscall.Dup(syscall.Stderr)
	switch err {
	case nil:
		// Between the two calls a child could inherit it: a harmless one, its own.
		_ = syscall.Close(free)
		return float64(free) / float64(limit.Cur)
	case syscall.EMFILE:
		return 1
	}
	return 0 // there is no standard error
}
