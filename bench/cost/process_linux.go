package cost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Bounds of a proxy's life.
const (
	toStart = 20 * time.Second
	toEnd   = 5 * time.Second
)

// process is a proxy that runs.
type process struct {
	name  string
	cmd   *exec.Cmd
	pids  []int // its own and those of its children
	ended chan struct{}
	err   error // of Wait; set when ended is closed
	words *tail
}

// start runs a program on the proxy's core until something listens at its address.
func start(ctx context.Context, where seats, name, program string, args []string, listen string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(program, args...), ended: make(chan struct{}), words: &tail{}}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // nothing is left behind, and Ctrl-C is for us alone
	p.cmd.Stdout, p.cmd.Stderr = p.words, p.words
	if err := pin(where.proxy); err != nil {
		return nil, err
	}
	err := p.cmd.Start()
	if err = errors.Join(err, pin(where.ends)); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	if err := p.await(ctx, listen); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if p.pids, err = family(p.cmd.Process.Pid); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// await waits until somebody listens.
func (p *process) await(ctx context.Context, listen string) error {
	late := time.After(toStart)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		c, err := net.DialTimeout("tcp", listen, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return p.died()
		case <-late:
			return fmt.Errorf("%s did not listen on %s within %v%s", p.name, listen, toStart, p.words)
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}

// died says that the proxy has ended by itself; nil if it has not.
func (p *process) died() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended by itself (%v)%s", p.name, p.err, p.words)
	default:
		return nil
	}
}

// stop ends it, if it has not ended.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // who has ended cannot be told
	select {
	case <-p.ended:
		return nil
	case <-time.After(toEnd):
	}
	// With its group: a master that is killed leaves its workers.
	err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
	return err
}

// tail keeps the end of what a process says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const keptWords = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-keptWords):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := bytes.TrimSpace(t.text); len(text) > 0 {
		return "; it said:\n" + string(text)
	}
	return ""
}

// freeAddress is one that nobody listens on just now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
