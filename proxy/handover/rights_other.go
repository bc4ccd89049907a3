//go:build !unix

package handover

import (
	"errors"
	"net"
)

var errUnsupported = errors.New("this system passes no sockets from process to process")

func give(*net.UnixConn, []Socket) error { return errUnsupported }

func receive(*net.UnixConn) ([]Socket, int, error) { return nil, 0, errUnsupported }
