package edge

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"
)

const (
	firstRetry = 5 * time.Millisecond
	lastRetry  = 100 * time.Millisecond
)

// accept hands connections over until the listener is closed.
func (l *Listener) accept(log *slog.Logger) error {
	var quiet throttle
	retry := firstRetry
	for {
		c, err := l.tcp.AcceptTCP()
		switch {
		case err == nil:
			if !l.room() {
				_ = c.Close()
				return http.ErrServerClosed
			}
			retry = firstRetry
			l.hand(c)
			continue
		case errors.Is(err, net.ErrClosed):
			return http.ErrServerClosed
		case errors.Is(err, os.ErrDeadlineExceeded) && l.leaving.Load():
			_ = l.tcp.Close()
			return http.ErrServerClosed
		case !passes(err):
			return fmt.Errorf("accepting on %s: %w", l.Addr(), err)
		}
		l.tally.acceptErrors.Add(1)
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			l.expel(idleEnough, max(1, l.Connections()/atOnce), &l.tally.forShortage)
		}
		if missed, ok := quiet.allow(time.Now()); ok {
			log.Error("cannot accept connections", "address", l.Addr().String(), "error", err, "times_before", missed,
				"connections", l.Connections())
		}
		select {
		case <-time.After(retry):
		case <-l.done:
		}
		retry = min(2*retry, lastRetry)
	}
}

func (l *Listener) hand(tcp *net.TCPConn) {
	l.tally.accepted.Add(1)
	p := l.policy.Load()
	c := &conn{TCPConn: tcp, gate: l.gate, from: l}
	c.introducing.Store(p.introducedBy(addrOf(tcp.RemoteAddr())))
	switch {
	case !l.admit(c, p):
	case c.introducing.Load():
		go l.introduce(c, p)
	default:
		l.begin(c, p)
	}
}

// begin gives a connection to its lane.
func (l *Listener) begin(c *conn, p *policy) {
	if p.TLS != nil || p.H2C {
		c.effort = newEffort()
	}
	if l.fast != nil && p.fast() {
		go l.serveFast(c)
		return
	}
	l.toStandard(c)
}

// toStandard hands a connection to net/http's server.
func (l *Listener) toStandard(c *conn) {
	p := l.policy.Load()
	c.doubt = newDoubt(p)
	if p.TLS != nil {
		go l.shakeHands(c, p)
		return
	}
	l.toServer(c)
}

func (l *Listener) toServer(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		c.Close()
	}
}

// passes reports whether an error of accept(2) says nothing about the listening socket itself.
func passes(err error) bool {
	return slices.ContainsFunc([]error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR, syscall.EAGAIN, syscall.EPERM, syscall.EPROTO,
		syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN,
	}, func(target error) bool { return errors.Is(err, target) })
}
