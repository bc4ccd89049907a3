//go:build !unix

package main

import "os"

var replaceSignals []os.Signal
