package cost

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"syscall"
	"time"
	"unsafe"
)

// Ends are both ends of the wire in one thread: clients on one side of a proxy, the origin on the other. They belong to the goroutine
// that made them, which is locked to its thread. The rules of this file are: no goroutine, no allocation in steady state, one system call
// for each thing that the system has to do.
type ends struct {
	epoll, listener int
	// origin is the address at which it answers.
	origin string
	target syscall.SockaddrInet4
	begun  time.Time
	// byFD are the sockets in use, by descriptor.
	byFD   []*socket
	events [256]syscall.EpollEvent
	buffer [256 << 10]byte
	// requests are sent in turn.
	requests []request
	next     int
	want     int // the status of a good answer
	closed   bool
	schedule *schedule

	idle []*socket // clients that wait for nothing
	held []*socket // the origin's, whose answer is held back

	count     tally
	latencies []time.Duration
	failed    error
}

// request is what a client sends.
type request struct {
	head []byte
	body int64
	// want is how long the answer has to be; 0: that does not matter.
	want int64
}

// tally is what has been counted.
type tally struct {
	good, other, broken int
	bytes               int64
	late                int
}

func (t tally) less(u tally) tally {
	return tally{t.good - u.good, t.other - u.other, t.broken - u.broken, t.bytes - u.bytes, t.late - u.late}
}

// schedule is an open loop: instants at which requests are due, in nanoseconds since the beginning.
type schedule struct {
	rate    float64 // a second
	dice    *rand.Rand
	due     time.Duration
	waiting []time.Duration // those that found no connection, first come first
	most    int             // connections
	open    int
}

func newEnds() (*ends, error) {
	e := &ends{begun: time.Now(), want: 200}
	var err error
	if e.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("making an epoll: %w", err)
	}
	if e.listener, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("making the origin's socket: %w", err)
	}
	at := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	err = errors.Join(syscall.Bind(e.listener, at), syscall.Listen(e.listener, 4096), e.watch(e.listener, syscall.EPOLLIN, syscall.EPOLL_CTL_ADD))
	name, nameErr := syscall.Getsockname(e.listener)
	if err = errors.Join(err, nameErr); err != nil {
		return nil, fmt.Errorf("listening as the origin: %w", err)
	}
	e.origin = fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	return e, nil
}

func (e *ends) close() {
	for _, s := range e.byFD {
		if s != nil {
			syscall.Close(s.fd)
		}
	}
	syscall.Close(e.listener)
	syscall.Close(e.epoll)
}

// aim says where the clients' requests go, and closes what they had open.
func (e *ends) aim(address string) error {
	a, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return err
	}
	e.hangUp()
	e.target = syscall.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}
	return nil
}

// hangUp closes every client's connection.
func (e *ends) hangUp() {
	e.closed, e.schedule = false, nil
	for _, s := range e.byFD {
		if s != nil && s.client {
			e.drop(s)
		}
	}
	e.idle, e.held, e.latencies = e.idle[:0], e.held[:0], e.latencies[:0]
}

func (e *ends) watch(fd int, events uint32, operation int) error {
	return syscall.EpollCtl(e.epoll, operation, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

// add takes a descriptor in.
func (e *ends) add(fd int, client bool) (*socket, error) {
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	if err := e.watch(fd, syscall.EPOLLIN, syscall.EPOLL_CTL_ADD); err != nil {
		return nil, err
	}
	for len(e.byFD) <= fd {
		e.byFD = append(e.byFD, nil)
	}
	s := &socket{fd: fd, client: client}
	e.byFD[fd] = s
	return s, nil
}

// drop closes a socket. What waited for an answer on it waits in vain.
func (e *ends) drop(s *socket) {
	e.byFD[s.fd] = nil
	syscall.Close(s.fd)
	if s.client && e.schedule != nil {
		e.schedule.open--
	}
	for i, idle := range e.idle {
		if idle == s {
			e.idle = append(e.idle[:i], e.idle[i+1:]...)
			break
		}
	}
}

// connect opens a client's connection. On this machine a connection stands at once or not at all.
func (e *ends) connect() (*socket, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a connection: %w", err)
	}
	if err = syscall.Connect(fd, &e.target); err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	var s *socket
	if err == nil {
		s, err = e.add(fd, true)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("opening a connection: %w", err)
	}
	return s, nil
}

func (e *ends) accept() {
	for {
		fd, _, err := syscall.Accept4(e.listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if err != nil {
			if !errors.Is(err, syscall.EAGAIN) {
				e.failed = fmt.Errorf("accepting as the origin: %w", err)
			}
			return
		}
		if _, err := e.add(fd, false); err != nil {
			syscall.Close(fd)
			e.failed = fmt.Errorf("accepting as the origin: %w", err)
			return
		}
	}
}

func (e *ends) now() time.Duration { return time.Since(e.begun) }

// epollPwait2 waits by the nanosecond, not by the millisecond; it has this number on every processor that counts.
const epollPwait2 = 441

// wait gives how many events there are; after d it gives none.
func (e *ends) wait(d time.Duration) (int, error) {
	until := syscall.NsecToTimespec(max(0, d.Nanoseconds()))
	n, _, errno := syscall.Syscall6(epollPwait2, uintptr(e.epoll), uintptr(unsafe.Pointer(&e.events[0])), uintptr(len(e.events)),
		uintptr(unsafe.Pointer(&until)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case syscall.EINTR:
		return 0, nil
	case syscall.ENOSYS:
		return 0, errors.New("epoll_pwait2 is not there: want Linux 5.11 or newer")
	}
	return 0, fmt.Errorf("waiting for sockets: %w", errno)
}

// longestNap is after which the context is looked at.
const longestNap = 50 * time.Millisecond

// atOnce is how many events are dealt with before what has become due meanwhile is sent: that takes less than lateAfter.
const atOnce = 16

// run serves both ends for d, or until enough says that it is.
func (e *ends) run(ctx context.Context, d time.Duration, enough func() bool) error {
	for until := e.now() + d; ; {
		now := e.now()
		if now >= until || enough != nil && enough() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		nap := min(until-now, longestNap)
		if e.schedule != nil {
			if err := e.sendDue(now); err != nil {
				return err
			}
			nap = min(nap, e.schedule.due-now)
		}
		n, err := e.wait(nap)
		if err != nil {
			return err
		}
		for i, event := range e.events[:n] {
			e.happened(event)
			if e.schedule != nil && i%atOnce == atOnce-1 {
				if err := e.sendDue(e.now()); err != nil {
					return err
				}
			}
		}
		if e.failed != nil {
			err, e.failed = e.failed, nil
			return err
		}
	}
}

// happened deals with one event.
func (e *ends) happened(event syscall.EpollEvent) {
	if int(event.Fd) == e.listener {
		e.accept()
		return
	}
	s := e.byFD[event.Fd]
	if s == nil {
		return // closed by an event before this one
	}
	if event.Events&syscall.EPOLLOUT != 0 {
		e.flush(s)
	}
	if event.Events&^syscall.EPOLLOUT != 0 && e.byFD[event.Fd] == s {
		e.read(s)
	}
}

// lateAfter is from which on a request counts as sent late.
const lateAfter = time.Millisecond

// sendDue sends what is due, each on a connection that has nothing to do.
func (e *ends) sendDue(now time.Duration) error {
	p := e.schedule
	for ; p.due <= now; p.due += time.Duration(p.dice.ExpFloat64() / p.rate * float64(time.Second)) {
		if now-p.due > lateAfter {
			e.count.late++
		}
		if len(e.idle) == 0 && p.open < p.most {
			s, err := e.connect()
			if err != nil {
				return err
			}
			p.open++
			e.idle = append(e.idle, s)
		}
		if len(e.idle) == 0 {
			p.waiting = append(p.waiting, p.due)
			continue
		}
		e.sendOn(e.takeIdle(), p.due)
	}
	return nil
}

func (e *ends) takeIdle() *socket {
	s := e.idle[len(e.idle)-1]
	e.idle = e.idle[:len(e.idle)-1]
	return s
}

// sendOn sends the next request.
func (e *ends) sendOn(s *socket, intended time.Duration) {
	r := e.requests[e.next]
	if e.next++; e.next == len(e.requests) {
		e.next = 0
	}
	s.intended, s.asked, s.want = intended, true, r.want
	e.write(s, r.head, r.body)
}

// isWanted says whether a status is that of a good answer. Who sheds load refuses with 503, who keeps to a quota with 429.
func (e *ends) isWanted(status int) bool {
	return status == e.want || e.want == http.StatusTooManyRequests && status == http.StatusServiceUnavailable
}

// answered counts an answer, and lets the connection go on.
func (e *ends) answered(s *socket) {
	s.asked = false
	s.closes = s.closes || len(s.out) > 0 || s.outBody > 0 // answered before it was asked to the end
	if e.isWanted(s.status) && (s.want == 0 || s.length == s.want) {
		e.count.good++
	} else {
		e.count.other++
	}
	if p := e.schedule; p != nil {
		e.latencies = append(e.latencies, e.now()-s.intended)
		if len(p.waiting) > 0 && !s.closes {
			due := p.waiting[0]
			p.waiting = p.waiting[1:]
			e.sendOn(s, due)
			return
		}
	}
	switch {
	case s.closes:
		e.lost(s)
	case e.closed:
		e.sendOn(s, 0)
	default:
		e.idle = append(e.idle, s)
	}
}

// lost closes a client's connection that is over; in a closed loop another takes its place.
func (e *ends) lost(s *socket) {
	if s.asked {
		e.count.broken++
	}
	e.drop(s)
	if !e.closed {
		return
	}
	again, err := e.connect()
	if err != nil {
		e.failed = err
		return
	}
	e.sendOn(again, 0)
}
