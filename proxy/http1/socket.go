package http1

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// epoch is where the clock of deadlines begins: it must not move with the time of day.
var epoch = time.Now()

// Now is the time on the clock of deadlines.
func Now() time.Duration { return time.Since(epoch) }

// At is an instant on the clock of deadlines as a time.
func At(now time.Duration) time.Time { return epoch.Add(now) }

// Socket is a connection that this package looks after, and all there is of one while it is idle. Who has it is the only one who may
// close it: others may only Hurry and Sever it, and must know that it is not closed.
type Socket struct {
	fd   int
	slot *slot
}

// Take takes a connection over from package net. Of one that sleeps the owner is told; nil if it never does. With an error nothing has
// happened to it.
func Take(tcp *net.TCPConn, owner Sleeper) (Socket, error) {
	// Under its old descriptor the runtime's own poller would be woken for it as well.
	fd, err := again(tcp)
	if err != nil {
		return Socket{}, fmt.Errorf("taking a connection over: %w", err)
	}
	s, err := shared.add(fd, owner)
	if err != nil {
		_ = sysClose(fd)
		return Socket{}, fmt.Errorf("taking a connection over: %w", err)
	}
	_ = tcp.Close() // the socket stays open
	return Socket{fd, s}, nil
}

// Give gives the connection to package net.
func (s Socket) Give() (*net.TCPConn, error) {
	unwatch(shared.events, s.fd)
	shared.remove(s.slot)
	file := os.NewFile(uintptr(s.fd), "connection")
	c, err := net.FileConn(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("giving a connection away: %w", err)
	}
	return c.(*net.TCPConn), nil
}

// Sleep lets the owner be told when there is something to read, or when the deadline for reading has passed. Who calls it must have read
// all that there was, and from then on has the connection no more. False: something has happened meanwhile, so it still has it.
func (s Socket) Sleep() bool {
	d := &s.slot.read
	until := d.until.Load()
	if !d.state.CompareAndSwap(quiet, asleep) {
		d.state.CompareAndSwap(stirred, quiet)
		return false
	}
	shared.by(until)
	return true
}

// ReadUntil is the deadline for reading; 0 is none.
func (s Socket) ReadUntil() time.Duration { return time.Duration(s.slot.read.until.Load()) }

// Overdue reports whether the deadline for reading has passed.
func (s Socket) Overdue() bool { return s.slot.read.due(Now()) }

// Hurry ends waiting for something to read, and all that comes after it, at an instant.
func (s Socket) Hurry(at time.Duration) { s.slot.hurry(&s.slot.read, at) }

// HurryWrite is the same for writing.
func (s Socket) HurryWrite(at time.Duration) { s.slot.hurry(&s.slot.write, at) }

// ReadBy sees to it that waiting for something to read ends between two instants. Where the deadline stands between them already it is not
// touched.
func (s Socket) ReadBy(earliest, latest time.Duration) { s.slot.read.by(earliest, latest) }

// WriteBy is the same for writes.
func (s Socket) WriteBy(earliest, latest time.Duration) { s.slot.write.by(earliest, latest) }

func (d *side) by(earliest, latest time.Duration) {
	if by := time.Duration(d.until.Load()); by == 0 || by < earliest || by > latest {
		d.until.Store(int64(latest))
	}
}

// Unbound takes the deadlines away.
func (s Socket) Unbound() {
	s.slot.read.until.Store(0)
	s.slot.write.until.Store(0)
}

// CloseWrite tells the other side that nothing more comes.
func (s Socket) CloseWrite() error { return sysShutdown(s.fd, shutWrite) }

// Sever ends the connection in both directions and leaves it to whoever has it to close it.
func (s Socket) Sever() { _ = sysShutdown(s.fd, shutBoth) }

// Close closes the connection.
func (s Socket) Close() error {
	err := sysClose(s.fd)
	shared.remove(s.slot)
	return err
}

// Late reports whether an error is a deadline that has passed.
func Late(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
