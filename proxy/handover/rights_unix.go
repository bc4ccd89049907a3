//go:build unix

package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// give sends sockets in one message.
func give(c *net.UnixConn, sockets []Socket) error {
	if len(sockets) > mostSockets {
		return fmt.Errorf("%d sockets are more than the %d that can be passed on", len(sockets), mostSockets)
	}
	l := list{PID: os.Getpid()}
	var descriptors []int
	for _, s := range sockets {
		l.Names = append(l.Names, s.Name)
		raw, err := s.File.SyscallConn()
		if err == nil {
			// Not Fd, which may make the socket wait: the mode is the socket's, and this process goes on using it.
			err = raw.Control(func(fd uintptr) { descriptors = append(descriptors, int(fd)) })
		}
		if err != nil {
			return err
		}
	}
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_ = c.SetWriteDeadline(time.Now().Add(wordFor))
	_, _, err = c.WriteMsgUnix(append(line, '\n'), syscall.UnixRights(descriptors...), nil)
	return err
}

// receive reads what give sends.
func receive(c *net.UnixConn) (sockets []Socket, pid int, err error) {
	_ = c.SetReadDeadline(time.Now().Add(wordFor))
	line, rights := make([]byte, longestWord), make([]byte, syscall.CmsgSpace(4*mostSockets))
	n, nr, flags, _, err := c.ReadMsgUnix(line, rights)
	if err != nil {
		return nil, 0, err
	}
	files := filesOf(rights[:nr])
	defer func() {
		if err != nil {
			for _, f := range files {
				_ = f.Close()
			}
		}
	}()
	var l list
	if flags&syscall.MSG_CTRUNC != 0 {
		return nil, 0, errors.New("some descriptors were lost on the way: is the table of descriptors full?")
	}
	if err := json.Unmarshal(line[:n], &l); err != nil {
		return nil, 0, fmt.Errorf("its list of sockets: %w", err)
	}
	if len(l.Names) != len(files) {
		return nil, 0, fmt.Errorf("it names %d sockets and passes %d", len(l.Names), len(files))
	}
	for i, f := range files {
		sockets = append(sockets, Socket{l.Names[i], f})
	}
	return sockets, l.PID, nil
}

func filesOf(rights []byte) (files []*os.File) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		descriptors, err := syscall.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, d := range descriptors {
			syscall.CloseOnExec(d)
			files = append(files, os.NewFile(uintptr(d), "handed over"))
		}
	}
	return files
}
