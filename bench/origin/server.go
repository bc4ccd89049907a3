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
	listener net.Listener
}

// Listen binds address, host:port; "" means a free port of 127.0.0.1. Run serves; who does not run it must Close it.
func Listen(address string, o *Origin) (*Server, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	// No probes and no multipath: clients that give up make thousands of connections, and each should be cheap.
	settings := net.ListenConfig{KeepAlive: -1}
	settings.SetMultipathTCP(false)
	listener, err := settings.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening the origin's address: %w", err)
	}
	return &Server{origin: o, listener: listener}, nil
}

// URL is the base URL of the server, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close gives the address of a server back that was never run.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx is done; then it stops the origin, lets handlers answer for at most a second, and returns nil.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.origin,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving the origin: %w", err)
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
