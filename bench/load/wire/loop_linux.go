package wire

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Loop deals with the connections of its clients in one goroutine, that of Turn: a request is one write, its answer one read, and what came meanwhile is dealt with in
// one go. No goroutine is woken for an answer, no timer set for a request. Answers whose length their header does not give, large
// bodies, streams and TLS are left to a goroutine of the connection's own, as without a Loop.
//
// All methods but Wake belong to one goroutine, and so does Send of clients that have joined.
type Loop struct {
	epoll  int
	file   *os.File // of epoll: the runtime waits for it
	ready  syscall.RawConn
	timer  int
	mu     sync.Mutex // of wakeup, which somebody may use while the loop is closed
	wakeup int

	asleep, woken atomic.Bool

	begun  time.Time
	byFD   []*looped
	dues   dues
	events [256]unix.EpollEvent
	buffer [bulkSize]byte
}

// NewLoop makes one; nil where the system does not do what it takes.
func NewLoop() *Loop {
	l := &Loop{epoll: -1, timer: -1, wakeup: -1, begun: time.Now()}
	if err := l.prepare(); err != nil {
		l.Close()
		return nil
	}
	return l
}

func (l *Loop) prepare() (err error) {
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if err = unix.SetNonblock(l.epoll, true); err != nil { // or the runtime would not wait for it
		return err
	}
	l.file = os.NewFile(uintptr(l.epoll), "epoll")
	if l.ready, err = l.file.SyscallConn(); err != nil {
		return err
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	if l.wakeup, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return err
	}
	for _, fd := range []int{l.timer, l.wakeup} {
		if err = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}); err != nil {
			return err
		}
	}
	return nil
}

// Turn waits until something happens, but at most d, and deals with all that has.
func (l *Loop) Turn(d time.Duration) {
	n := l.poll()
	if first, there := l.dues.first(); there {
		d = min(d, first-l.now())
	}
	if n == 0 && d > 0 {
		l.asleep.Store(true)
		if !l.woken.Swap(false) {
			n = l.sleep(d)
		}
		l.asleep.Store(false)
	}
	for n > 0 {
		for _, e := range l.events[:n] {
			l.happened(e)
		}
		if n < len(l.events) {
			break
		}
		n = l.poll()
	}
	l.expire()
}

// poll asks what has happened, without waiting.
func (l *Loop) poll() int {
	n, err := unix.EpollWait(l.epoll, l.events[:], 0)
	if err != nil {
		return 0
	}
	return n
}

// sleep waits by the runtime, so that others may use the processor meanwhile.
func (l *Loop) sleep(d time.Duration) (n int) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}
	if unix.TimerfdSettime(l.timer, 0, &spec, nil) != nil {
		return 0
	}
	_ = l.ready.Read(func(uintptr) bool { // it ends with an event: the timer's is one
		n = l.poll()
		return n > 0
	})
	return n
}

// Nap lets d pass with this thread asleep, a fraction of a millisecond: to park the goroutine and to be woken costs as much as a request does.
func (l *Loop) Nap(d time.Duration) {
	spec := unix.NsecToTimespec(d.Nanoseconds())
	_, _, _ = syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&spec)), 0, 0) // shorter if a signal comes
}

// Wake ends a Turn that waits, or the next one. Any goroutine may call it.
func (l *Loop) Wake() {
	l.woken.Store(true)
	if !l.asleep.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wakeup >= 0 {
		_, _ = unix.Write(l.wakeup, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// Close ends every connection and what is under way on it.
func (l *Loop) Close() {
	for _, cn := range l.byFD {
		if cn != nil {
			cn.client.mu.Lock()
			cn.client.closed = true
			cn.client.mu.Unlock()
			l.gone(cn, errClosed)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fd := range []*int{&l.timer, &l.wakeup} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
	if l.file != nil {
		l.file.Close()
	} else if l.epoll >= 0 {
		unix.Close(l.epoll)
	}
	l.file, l.epoll = nil, -1
}

func (l *Loop) now() time.Duration { return time.Since(l.begun) }

// happened deals with what the system says of a connection.
func (l *Loop) happened(e unix.EpollEvent) {
	if int(e.Fd) == l.wakeup {
		l.woken.Store(false)
	}
	if int(e.Fd) >= len(l.byFD) || l.byFD[e.Fd] == nil {
		return // the timer, or a connection that has ended in the same turn
	}
	cn := l.byFD[e.Fd]
	if cn.connecting {
		l.connected(cn)
		return
	}
	if e.Events&unix.EPOLLOUT != 0 && len(cn.out) > 0 {
		l.write(cn)
	}
	if e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 && l.byFD[e.Fd] == cn {
		l.read(cn, e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
	}
}

// expire ends what has passed its deadline.
func (l *Loop) expire() {
	for {
		first, there := l.dues.first()
		if !there || first > l.now() {
			return
		}
		if cn := l.dues.take(); cn != nil {
			l.gone(cn, ErrDeadline)
		}
	}
}
