package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of a child's life.
const (
	toStart = 20 * time.Second // ten thousand routes take a while
	toEnd   = 10 * time.Second

	betweenKnocks = 20 * time.Millisecond
)

// Settings say what is started.
type Settings struct {
	// Name is for errors.
	Name    string
	Program string
	Args    []string
	// Said looks at each line of its output and its words, and says whether it is ready; nil: see Answers.
	Said func(line string) bool
	// Answers is an address at which somebody listens when it is ready.
	Answers string
}

// Process is a child. It is in a process group of its own: Ctrl-C in the terminal is for us alone, who will end it in order.
type Process struct {
	name     string
	cmd      *exec.Cmd
	stdin    io.Closer
	patience time.Duration // with its end
	ended    chan struct{}
	err      error // of Wait; set when ended is closed

	mu   sync.Mutex
	last []string // lines of its words
}

// keptWords is how many lines of a child's words are shown when it ends badly.
const keptWords = 8

// Start runs a program until it is ready.
func Start(ctx context.Context, s Settings) (*Process, error) {
	name := s.Name
	p := &Process{name: name, cmd: exec.Command(s.Program, s.Args...), patience: toEnd, ended: make(chan struct{})}
	p.cmd.SysProcAttr = ownGroup()
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	words, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	ready := make(chan struct{})
	var once sync.Once
	var readers sync.WaitGroup
	var looking sync.Mutex
	for _, stream := range []io.Reader{output, words} {
		readers.Go(func() {
			p.read(stream, func(line string) {
				looking.Lock()
				defer looking.Unlock()
				if s.Said != nil && s.Said(line) {
					once.Do(func() { close(ready) })
				}
			})
		})
	}
	go func() {
		readers.Wait()
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	if s.Answers != "" {
		go p.knock(s.Answers, func() { once.Do(func() { close(ready) }) })
	}
	if err := p.await(ctx, ready); err != nil {
		return nil, err
	}
	return p, nil
}

// knock tries an address until somebody answers, or the child has ended or was not ready for too long.
func (p *Process) knock(address string, answered func()) {
	for range int(toStart / betweenKnocks) {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			c.Close()
			answered()
			return
		}
		select {
		case <-p.ended:
			return
		case <-time.After(betweenKnocks):
		}
	}
}

// await waits until the child is ready, and ends it if that does not happen.
func (p *Process) await(ctx context.Context, ready <-chan struct{}) error {
	late := time.NewTimer(toStart)
	defer late.Stop()
	var why error
	select {
	case <-ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("%s did not start: %w", p.name, p.failure())
	case <-late.C:
		why = fmt.Errorf("%s was not ready after %v%s", p.name, toStart, p.words())
	case <-ctx.Done():
		why = ctx.Err()
	}
	return errors.Join(why, p.Stop())
}

// read gives line by line, and keeps the last ones. Lines beyond 1 MiB are cut.
func (p *Process) read(from io.Reader, each func(string)) {
	lines := bufio.NewReaderSize(from, 1<<20)
	for {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.last = append(p.last, string(line))
		p.last = p.last[max(0, len(p.last)-keptWords):]
		p.mu.Unlock()
		each(string(line))
	}
}

// words are the child's last ones, for an error.
func (p *Process) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.last) == 0 {
		return ""
	}
	return "; it said:\n" + strings.Join(p.last, "\n")
}

// Ended is closed when the child has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// PID is its number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// failure is how a child has ended.
func (p *Process) failure() error {
	if p.err == nil {
		return fmt.Errorf("it has ended%s", p.words())
	}
	return fmt.Errorf("%w%s", p.err, p.words())
}

// Stop lets the child end in order, and kills it if it does not. It gives an error if the child had ended by itself, or ended badly.
func (p *Process) Stop() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended by itself: %w", p.name, p.failure())
	default:
	}
	asked := p.cmd.Process.Signal(syscall.SIGTERM)
	p.stdin.Close()
	late := time.NewTimer(p.patience)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
		killed := p.kill()
		<-p.ended
		return errors.Join(fmt.Errorf("%s did not end within %v and was killed%s", p.name, p.patience, p.words()), asked, killed)
	}
	if p.err != nil && !asAsked(p.err) {
		return fmt.Errorf("%s ended badly: %w", p.name, p.failure())
	}
	return nil
}

// asAsked says that a child ended by the very signal that asked it to, as some programs do in the end.
func asAsked(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(interface {
		Signaled() bool
		Signal() syscall.Signal
	})
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}
