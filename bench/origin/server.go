package origin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server is an Origin behind a socket. It takes its address in Listen, so that its URL is known before it runs.
type Server struct {
	origin   *Origin
	handler  http.Handler
	address  string
	listener net.Listener
	// stays is set if Faults.Refuse does not close it.
	stays bool
}

// Listen binds address, host:port, for the first endpoint; "" means a free port of 127.0.0.1. Run serves; who does not run it must
// Close it.
func Listen(address string, o *Origin) (*Server, error) { return listen(address, o, o) }

// ListenEndpoint is the same for an endpoint by its number.
func ListenEndpoint(address string, o *Origin, n int) (*Server, error) {
	return listen(address, o, o.Endpoint(n))
}

// ListenControl is the same for the origin's control (Control), which answers everybody: it wants an address of this machine alone.
func ListenControl(address string, o *Origin, script []Moment) (*Server, error) {
	if err := o.CheckScript(script); err != nil {
		return nil, err
	}
	s, err := listen(address, o, Control(o, script))
	if err != nil {
		return nil, err
	}
	s.stays = true
	if at, ok := s.listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		s.Close()
		return nil, fmt.Errorf("opening the origin's control at %s: want a loopback address, such as 127.0.0.1:0", address)
	}
	return s, nil
}

func listen(address string, o *Origin, h http.Handler) (*Server, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := open(address)
	if err != nil {
		return nil, fmt.Errorf("opening the origin's address: %w", err)
	}
	return &Server{origin: o, handler: h, address: listener.Addr().String(), listener: listener}, nil
}

func open(address string) (net.Listener, error) {
	// No probes and no multipath: clients that give up make thousands of connections, and each should be cheap.
	settings := net.ListenConfig{KeepAlive: -1}
	settings.SetMultipathTCP(false)
	return settings.Listen(context.Background(), "tcp", address)
}

// URL is the base URL of the server, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.address }

// Close gives the address of a server back that was never run.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx is done; then it stops the origin, lets handlers answer for at most a second, and returns nil. While connections
// are refused its address is closed.
func (s *Server) Run(ctx context.Context) error {
	for {
		if err := s.serve(ctx); err != nil {
			return err
		}
		if s.stays || ctx.Err() != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			s.origin.Stop()
			return nil
		case <-s.origin.door.when(false):
		}
		if err := s.reopen(); err != nil {
			return err
		}
	}
}

// serve serves until ctx is done or connections are refused.
func (s *Server) serve(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	var shut <-chan struct{}
	if !s.stays {
		shut = s.origin.door.when(true)
	}
	select {
	case err := <-served:
		return fmt.Errorf("serving the origin: %w", err)
	case <-shut:
		err := server.Close()
		<-served
		return err
	case <-ctx.Done():
	}
	s.origin.Stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-served
	return err
}

// reopen takes the address again, which somebody else may have taken meanwhile.
func (s *Server) reopen() (err error) {
	for range 20 {
		if s.listener, err = open(s.address); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("opening the origin's address again: %w", err)
}
