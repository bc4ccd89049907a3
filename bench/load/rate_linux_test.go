package load_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
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
)

// serverCPU in the environment makes this test's program a server on that processor, until its input ends.
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		fmt.Println(l.Addr())
		err = respond(l.(*net.TCPListener))
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// respond answers whatever comes on any connection with the same bytes, for as little as that can cost: a read and a write a request, a wait for many. It
// ends when its parent does.
func respond(l *net.TCPListener) error {
	file, err := l.File()
	if err != nil {
		return err
	}
	door, input := int(file.Fd()), int(os.Stdin.Fd())
	poller, err := unix.EpollCreate1(0)
	watch := func(fd int) error {
		return unix.EpollCtl(poller, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	if err = errors.Join(err, unix.SetNonblock(door, true), watch(door), watch(input)); err != nil {
		return err
	}
	answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n"), make([]byte, 100)...)
	events, buf := make([]unix.EpollEvent, 256), make([]byte, 16<<10)
	for {
		n, err := unix.EpollWait(poller, events, -1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case input:
				return io.EOF
			case door:
				for c, _, err := unix.Accept4(door, unix.SOCK_NONBLOCK); err == nil; c, _, err = unix.Accept4(door, unix.SOCK_NONBLOCK) {
					if err := errors.Join(unix.SetsockoptInt(c, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), watch(c)); err != nil {
						return err
					}
				}
			default:
				if n, err := unix.Read(fd, buf); n > 0 {
					_, _ = unix.Write(fd, answer) // who has gone has gone
				} else if err != unix.EAGAIN {
					unix.Close(fd)
				}
			}
		}
	}
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
