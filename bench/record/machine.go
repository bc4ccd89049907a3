package record

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where something was measured.
type Machine struct {
	System string `json:"system"`
	Kernel string `json:"kernel,omitempty"`
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu"`
	// Memory is in bytes; 0 is not known.
	Memory int64 `json:"memory,omitempty"`
}

// ThisMachine says what it can learn.
func ThisMachine() Machine {
	m := Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), CPU: "unknown"}
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		m.CPU = model
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(kernel))
	}
	if kilobytes, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.Memory = kilobytes << 10
	}
	return m
}

// field is what stands behind a name in a file of "name: value" lines; "" if there is none.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// LoadAverage is that of the last minute, five and fifteen minutes; "unknown" where the system does not say.
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], " ")
}
