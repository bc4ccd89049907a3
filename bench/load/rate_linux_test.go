package load_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"triage/bench/load"
	"triage/bench/load/wire"
)

// serverCPU in the environment makes this test's program a wire.Server on that processor, until its input ends.
const serverCPU = "TEST_SERVER_CPU"

func TestMain(m *testing.M) {
	if cpu, err := strconv.Atoi(os.Getenv(serverCPU)); err == nil {
		os.Exit(serveOn(cpu))
	}
	os.Exit(m.Run())
}

func serveOn(cpu int) int {
	runtime.GOMAXPROCS(1)
	pin(cpu)
	s, err := wire.Listen("127.0.0.1:0", 100)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.Address())
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	s.Close()
	return 0
}

// pin keeps this process on one processor: every thread that there is, and those that they make.
func pin(cpu int) {
	var set unix.CPUSet
	set.Set(cpu)
	threads, _ := os.ReadDir("/proc/self/task")
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			_ = unix.SchedSetaffinity(id, &set)
		}
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRate is the generator on one processor and a server that does nothing on another: what an open loop of a rate costs, and
// how much of it is late. An iteration is three seconds; -benchtime 1x is enough.
func BenchmarkRate(b *testing.B) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), serverCPU+"=1")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { in.Close(); _ = child.Wait() }()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	pin(0)
	for _, protocol := range []load.Protocol{load.Lean, load.HTTP1} {
		for _, rate := range []float64{10_000, 30_000, 50_000, 70_000, 90_000} {
			if protocol == load.HTTP1 && rate > 30_000 {
				continue
			}
			b.Run(fmt.Sprintf("%s/%.0f", protocol, rate), func(b *testing.B) { oneRate(b, "http://"+strings.TrimSpace(address), protocol, rate) })
		}
	}
}

func oneRate(b *testing.B, target string, protocol load.Protocol, rate float64) {
	const lasts = 3 * time.Second
	for b.Loop() {
		g, err := load.New(load.Settings{
			Seed: 1, Target: target, Protocol: protocol, MaxInFlight: 2000,
			Requests: []load.Request{{Route: "all", Class: "all", Path: "/"}},
			Phases:   []load.Phase{{Name: "all", For: lasts, Rates: map[string]float64{"all": rate}}},
		})
		if err != nil {
			b.Fatal(err)
		}
		used := processorTime()
		if err := g.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		used = processorTime() - used
		f := g.Snapshot().Classes[0].Total
		b.ReportMetric(float64(f.Served)/lasts.Seconds(), "served/s")
		b.ReportMetric(100*float64(f.Late+f.Overrun)/float64(f.Offered), "late%")
		b.ReportMetric(float64(used.Microseconds())/float64(f.Offered), "cpu-µs/request")
		b.ReportMetric(float64(f.P50.Microseconds()), "p50-µs")
		b.ReportMetric(float64(f.P99.Microseconds()), "p99-µs")
	}
}
