//go:build !unix

package forward

// try never knows whether something has arrived.
func (t *trial) try(uintptr) bool { return true }
