//go:build !linux

package child

import "time"

// CPU is nothing that is known here.
func (p *Process) CPU() (time.Duration, bool) { return 0, false }
