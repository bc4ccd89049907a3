package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"

	"triage/proxy/edge"
	"triage/proxy/handover"
)

// inheritance is the sockets that were bound for this process by somebody else: by the process that it takes over from, and by systemd.
type inheritance struct {
	// from is the process that goes on until it is told to leave; nil if there is none.
	from    *handover.Taken
	sockets []inherited
}

type inherited struct {
	// name is what the former process called it: the configured address, with ofAdmin before it if it is the admin API's; "" for one of
	// systemd's.
	name    string
	socket  net.Listener
	claimed bool
}

// inherit takes what there is. handoverPath is where a running process is asked; "" is nowhere.
func inherit(handoverPath string) (in *inheritance, err error) {
	in = &inheritance{}
	defer func() {
		if err != nil {
			in.giveUp()
		}
	}()
	if handoverPath != "" {
		if in.from, err = handover.Take(handoverPath); err != nil {
			return in, err
		}
	}
	var sockets []handover.Socket
	if in.from != nil {
		sockets = in.from.Sockets
	}
	for _, f := range activation.Files(true) {
		sockets = append(sockets, handover.Socket{File: f})
	}
	for _, s := range sockets {
		l, err := net.FileListener(s.File)
		_ = s.File.Close()
		if err != nil {
			return in, fmt.Errorf("using socket %s, which was bound already: %w; want a listening stream socket", s.File.Name(), err)
		}
		in.sockets = append(in.sockets, inherited{name: s.Name, socket: l})
	}
	return in, nil
}

// ofAdmin stands before the address in the name of the admin API's socket: both addresses may be any free port of the same host.
const ofAdmin = "admin "

// claim gives the socket of an address, nil if it is to be bound. of is "" or ofAdmin.
func (in *inheritance) claim(of, address string) (found net.Listener) {
	for i := range in.sockets {
		s := &in.sockets[i]
		if s.claimed || s.name != of+address && (s.name != "" || !isAt(s.socket.Addr(), address)) {
			continue
		}
		s.claimed = true
		if found == nil {
			found = s.socket
			continue
		}
		_ = s.socket.Close() // the same one once more
	}
	return found
}

// isAt reports whether a bound address is what a configured one asks for.
func isAt(bound net.Addr, configured string) bool {
	if path, ok := strings.CutPrefix(configured, "unix:"); ok {
		return bound.Network() == "unix" && bound.String() == path
	}
	tcp, ok := bound.(*net.TCPAddr)
	host, port, err := net.SplitHostPort(configured)
	if !ok || err != nil || fmt.Sprint(tcp.Port) != port {
		return false
	}
	at, err := netip.ParseAddr(host)
	if host == "" || err == nil && at.IsUnspecified() {
		return tcp.IP.IsUnspecified()
	}
	return err == nil && at.Unmap() == tcp.AddrPort().Addr().Unmap()
}

// settle closes what nobody wants any more. A socket of systemd's that no address of the configuration asks for is a mistake: clients would
// wait in its queue for ever.
func (in *inheritance) settle() error {
	var errs []error
	for i := range in.sockets {
		s := &in.sockets[i]
		if s.claimed {
			continue
		}
		s.claimed = true
		_ = s.socket.Close()
		if s.name == "" {
			errs = append(errs, fmt.Errorf("systemd passes a socket at %s, and neither listen nor admin has that address; want one that has, or the socket unit without it", s.socket.Addr()))
		}
	}
	return errors.Join(errs...)
}

// giveUp leaves everything to who has it.
func (in *inheritance) giveUp() {
	if in == nil {
		return
	}
	_ = in.settle()
	if in.from != nil {
		in.from.GiveUp()
	}
}

// listenAt gives a listener on a socket that is there already, or binds one.
func (in *inheritance) listenAt(settings edge.Settings) (*edge.Listener, error) {
	switch l := in.claim("", settings.Address).(type) {
	case nil:
		return edge.Listen(settings)
	case *net.TCPListener:
		return edge.ListenOn(l, settings)
	default:
		_ = l.Close()
		return nil, fmt.Errorf("listening on %q: the socket that was bound for it is of the kind %s, want tcp", settings.Address, l.Addr().Network())
	}
}
