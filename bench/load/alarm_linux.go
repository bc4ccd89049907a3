package load

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm waits for an instant to within some ten microseconds. The runtime's own timers wake a process that is otherwise idle by whole
// milliseconds (epoll_wait counts in them); a descriptor of the system's timer among the sockets does not round.
type alarm struct {
	fd   int
	file *os.File
}

func newAlarm() *alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil // a nil alarm is the runtime's timer
	}
	return &alarm{fd, os.NewFile(uintptr(fd), "timer")}
}

// wait lets d pass, and reports whether it did before ctx was done.
func (a *alarm) wait(ctx context.Context, d time.Duration) bool {
	if a == nil {
		return sleepUntil(ctx, time.Now().Add(d))
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(d.Nanoseconds(), 1))}
	if unix.TimerfdSettime(a.fd, 0, &spec, nil) != nil {
		return sleepUntil(ctx, time.Now().Add(d))
	}
	var expirations [8]byte
	_, err := a.file.Read(expirations[:])
	return err == nil && ctx.Err() == nil
}

// interrupt ends every wait from now on.
func (a *alarm) interrupt() {
	if a != nil {
		_ = a.file.SetReadDeadline(time.Unix(1, 0))
	}
}

func (a *alarm) close() {
	if a != nil {
		_ = a.file.Close()
	}
}
