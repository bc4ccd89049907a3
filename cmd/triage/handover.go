package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"triage/proxy/handover"
)

// takenOver says that another process serves. pid is 0 where the kernel does not say which.
type takenOver struct{ pid int }

// sockets gives descriptors of everything that is listened on, by the addresses of the configuration.
func (s *server) sockets() (all []handover.Socket, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add := func(address string, file *os.File, e error) {
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", address, e))
			return
		}
		all = append(all, handover.Socket{Name: address, File: file})
	}
	for address, l := range s.listeners {
		file, err := l.Socket()
		add(address, file, err)
	}
	if l, ok := s.adminAt.(interface{ File() (*os.File, error) }); ok {
		file, err := l.File()
		add(ofAdmin+s.loaded.File.Admin.Address, file, err)
	}
	return all, err
}

// begin tells who was here before to leave, and lets others take over.
func (s *server) begin(ctx context.Context) {
	if from := s.inherited.from; from != nil {
		if err := from.Serving(); err != nil {
			s.options.logger.Warn("taken over, but the former process may be there still", "pid", from.PID, "error", err)
		} else {
			s.options.logger.Info("taken over", "from", from.PID)
		}
	}
	s.notify(daemon.SdNotifyReady)
	path := s.inForceFile().Handover
	if path == "" {
		return
	}
	desk, err := handover.Open(handover.Settings{
		Path: path, Sockets: s.sockets, Logger: s.options.logger,
		Leave: func(pid int) { s.successor <- takenOver{pid} },
	})
	if err != nil {
		s.options.logger.Error("no other process can take over from this one", "error", err)
		return
	}
	go desk.Run(ctx)
}

// handedOver ends this process' part in what only one can do: the record, the admin API, and what systemd takes for the service.
func (s *server) handedOver(to takenOver) {
	s.options.logger.Info("another process serves: draining", "pid", to.pid)
	if to.pid > 0 {
		s.notify(fmt.Sprintf("MAINPID=%d", to.pid))
	}
	keepSocketFile(s.adminAt)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), adminLeaves)
		defer cancel()
		_ = s.admin.Shutdown(ctx)
	}()
}

// adminLeaves is how long an answer of the admin API may take that was under way.
const adminLeaves = 5 * time.Second

// keepSocketFile leaves a unix socket's file to the process that has the socket now.
func keepSocketFile(l net.Listener) {
	if unix, ok := l.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false)
	}
}

// notify tells systemd, if it wants to know.
func (s *server) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.options.logger.Warn("telling systemd", "state", state, "error", err)
	}
}

// replace starts the program again, as it is on disk now, to take over from this process.
func (s *server) replace() {
	if s.inForceFile().Handover == "" {
		s.options.logger.Error("asked to start a new process, which could not take over; want handover in the configuration")
		return
	}
	cmd := exec.Command(s.program, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		s.options.logger.Error("starting a new process to take over", "program", s.program, "error", err)
		return
	}
	s.options.logger.Info("started a new process to take over", "pid", cmd.Process.Pid, "program", s.program)
	go func() {
		if err := cmd.Wait(); err != nil {
			s.options.logger.Error("the new process has ended", "error", err)
		}
	}()
}
