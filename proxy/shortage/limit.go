package shortage

import (
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// ofGroup is which share of the control group's memory the soft limit is: what is left is for what the runtime does not count, such as
// the kernel's socket buffers.
const ofGroup = 0.9

// LimitMemory gives the runtime a soft limit, if the process is in a control group with one and nobody has set GOMEMLIMIT: near it the collector
// works more, instead of the kernel ending the process. It gives the limit in force, 0 if there is none.
func LimitMemory() int64 {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		group := groupLimit("/sys/fs/cgroup", "/proc/self/cgroup")
		if group == 0 {
			return 0
		}
		limit = int64(ofGroup * float64(group))
		debug.SetMemoryLimit(limit)
	}
	return limit
}

// groupLimit is the tightest limit of the process' control group (version 2) and those above it; 0 if there is none.
func groupLimit(root, membership string) (least int64) {
	text, err := os.ReadFile(membership)
	if err != nil {
		return 0
	}
	_, own, found := strings.Cut("\n"+string(text), "\n0::")
	if !found {
		return 0
	}
	own, _, _ = strings.Cut(own, "\n")
	for group := path.Clean("/" + own); ; group = path.Dir(group) {
		if text, err := os.ReadFile(root + group + "/memory.max"); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
		}
		if group == "/" {
			return least
		}
	}
}
