//go:build unix

package real

import (
	"fmt"
	"syscall"
)

// CheckDescriptors says that too few files may be open for a trial. Go raises the limit to what is allowed when a process starts, so what
// is allowed counts; the children inherit it.
func CheckDescriptors(t Trial) error { return checkDescriptors(t, t.Descriptors()) }

func checkDescriptors(t Trial, needed uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil // what cannot be asked is not forbidden
	}
	if uint64(limit.Max) < needed {
		return fmt.Errorf("%s needs about %d open files in one process, and %d are allowed: raise the limit (ulimit -n %d), or make it smaller (--scale %.2g)",
			t.Episode, needed, limit.Max, needed, t.Scale*float64(limit.Max)/float64(needed)/1.2)
	}
	return nil
}
