package child

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// clockTick is the unit of /proc/PID/stat: 1/100 s wherever Linux runs Go (USER_HZ, proc(5)).
const clockTick = 10 * time.Millisecond

// CPU is the processor time that the child and all that it has started have used until now; false: this system does not say.
func (p *Process) CPU() (time.Duration, bool) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, false
	}
	group, found, sum := strconv.Itoa(p.PID()), false, time.Duration(0)
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// Behind the name, which may have blanks and brackets: state ppid pgrp …, utime and stime are the 12th and 13th.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 13 || string(fields[2]) != group {
			continue
		}
		for _, f := range fields[11:13] {
			ticks, err := strconv.ParseInt(string(f), 10, 64)
			if err != nil {
				return 0, false
			}
			sum += time.Duration(ticks) * clockTick
		}
		found = true
	}
	return sum, found
}
