package cost

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// family is a process and all that descend from it.
func family(pid int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	parents := map[int]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name stands in parentheses and may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if len(fields) > 1 {
			parents[child], _ = strconv.Atoi(fields[1])
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		for child, parent := range parents {
			if parent == all[i] && !slices.Contains(all, child) {
				all = append(all, child)
			}
		}
	}
	return all, nil
}

// tick is the unit of times in /proc/PID/stat; it is the same for every Linux that Go runs on.
const tick = 10 * time.Millisecond

// processorTime is how long processes have run, in user's and system's mode. It is exact where the kernel says so.
func processorTime(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		d, err := threadsTime(pid)
		if err != nil {
			d, err = ticksTime(pid)
		}
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// threadsTime adds up the nanoseconds of a process's threads. Those that have ended are not in it: proxies keep theirs.
func threadsTime(pid int) (sum time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, errors.Join(err, syscall.ENOENT)
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		ran, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// ticksTime is utime + stime of /proc/PID/stat.
func ticksTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err, err2)
}

// memory is the proportional set size of processes, in bytes: pages that several share count in parts.
func memory(pids []int) (int64, error) { return sumField(pids, "smaps_rollup", "Pss:") }

// peakMemory is the most that was resident since the processes began.
func peakMemory(pids []int) (int64, error) { return sumField(pids, "status", "VmHWM:") }

func sumField(pids []int, file, name string) (sum int64, err error) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err != nil {
			return 0, err
		}
		_, after, ok := strings.Cut(string(text), "\n"+name)
		fields := strings.Fields(after)
		if !ok || len(fields) == 0 {
			return 0, fmt.Errorf("/proc/%d/%s has no %s", pid, file, name)
		}
		kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += kilobytes << 10
	}
	return sum, nil
}

// threadTime is how long this thread has run.
func threadTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuSet is a set of cores, as sched_setaffinity takes it.
type cpuSet [1024 / 64]uint64

func oneCore(core int) (s cpuSet) {
	s[core/64] = 1 << (core % 64)
	return s
}

// allowed is the cores that this thread may run on.
func allowed() (cores []int, set cpuSet) {
	_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
	if errno != 0 {
		return nil, set
	}
	for core := range len(set) * 64 {
		if set[core/64]&(1<<(core%64)) != 0 {
			cores = append(cores, core)
		}
	}
	return cores, set
}

// pin keeps this thread, and processes that it starts from now on, on a set of cores.
func pin(set cpuSet) error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); errno != 0 {
		return fmt.Errorf("pinning to a core: %w", errno)
	}
	return nil
}

// seats are who sits where.
type seats struct {
	proxy, ends cpuSet
	// alone is false if there is one core for both.
	alone bool
}

// takeSeats puts this goroutine's thread on the ends' core. The thread ends with the goroutine, which must not unlock it.
func takeSeats() (seats, error) {
	runtime.LockOSThread()
	cores, all := allowed()
	if len(cores) < 2 {
		return seats{proxy: all, ends: all}, nil
	}
	s := seats{proxy: oneCore(cores[len(cores)-1]), ends: oneCore(cores[0]), alone: true}
	return s, pin(s.ends)
}

// wantDescriptors raises this process's limit as far as that is allowed, and gives what it is now. Those that it starts inherit it.
func wantDescriptors(n int) int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return n
	}
	if raised := (syscall.Rlimit{Cur: uint64(n), Max: uint64(n)}); limit.Max < raised.Max && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		return n
	}
	// Set although it may be that already: what Go has raised by itself it does not hand on.
	limit.Cur = limit.Max
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	return int(min(limit.Max, 1<<30))
}
