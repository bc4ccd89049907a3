//go:build unix

package main

import (
	"os"
	"syscall"
)

// replaceSignals ask for a successor.
var replaceSignals = []os.Signal{syscall.SIGUSR2}
