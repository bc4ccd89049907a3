package real

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of a child's life.
const (
	toStart = 15 * time.Second
	toEnd   = 10 * time.Second
)

// process is a child. It is in a process group of its own: Ctrl-C in the terminal is for us alone, who will end it in order.
type process struct {
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

// start runs a program until it has said that it is ready: said looks at each line of its output or its words.
func start(ctx context.Context, name, program string, args []string, said func(line string) bool) (*process, error) {
	p := &process{name: name, cmd: exec.Command(program, args...), patience: toEnd, ended: make(chan struct{})}
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
				if said(line) {
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
	return p, p.await(ctx, ready)
}

// await waits until the child is ready, and ends it if that does not happen.
func (p *process) await(ctx context.Context, ready <-chan struct{}) error {
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
	return errors.Join(why, p.stop())
}

// read gives line by line, and keeps the last ones. Lines beyond 1 MiB are cut.
func (p *process) read(from io.Reader, each func(string)) {
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
func (p *process) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.last) == 0 {
		return ""
	}
	return "; it said:\n" + strings.Join(p.last, "\n")
}

// failure is how a child has ended.
func (p *process) failure() error {
	if p.err == nil {
		return fmt.Errorf("it has ended%s", p.words())
	}
	return fmt.Errorf("%w%s", p.err, p.words())
}

// stop lets the child end in order, and kills it if it does not. It gives an error if the child had ended by itself, or ended badly.
func (p *process) stop() error {
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
		killed := p.cmd.Process.Kill()
		<-p.ended
		return errors.Join(fmt.Errorf("%s did not end within %v and was killed%s", p.name, p.patience, p.words()), asked, killed)
	}
	if p.err != nil {
		return fmt.Errorf("%s ended badly: %w", p.name, p.failure())
	}
	return nil
}
