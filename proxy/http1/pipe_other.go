//go:build !linux

package http1

// Pipe is what this system has not.
type Pipe struct{}

// OpenPipe gives none.
func OpenPipe() *Pipe { return nil }

// Close lets go of nothing.
func (p *Pipe) Close() {}

// Held is how much is in the pipe.
func (p *Pipe) Held() int { return 0 }

// Draw takes nothing.
func (p *Pipe) Draw(*Conn, int64) (int, error) { return 0, ErrNoPipe }

// TakeBack gives nothing.
func (p *Pipe) TakeBack() ([]byte, error) { return nil, ErrNoPipe }

// Pour writes nothing.
func (p *Pipe) Pour(*Conn, int) (int, error) { return 0, ErrNoPipe }
