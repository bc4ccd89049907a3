package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// child is triage as a process of its own.
type child struct {
	t              *testing.T
	cmd            *exec.Cmd
	path           string
	url, adminURL  string
	stdout, stderr *buffer
	ended          chan struct{}
	err            error
}

// spawn runs triage on a configuration until it ends by itself or the test does.
func spawn(t *testing.T, text string, env ...string) *child {
	t.Helper()
	return spawnAt(t, configFile(t, text), env...)
}

func spawnAt(t *testing.T, path string, env ...string) *child {
	t.Helper()
	c := launch(t, append(env, "TRIAGE_LANE="+laneOf(t)), "run", "-c", path)
	c.path = path
	var serving struct {
		Msg, Admin string
		Listen     []string
	}
	eventually(t, "the process to serve", func() bool {
		for line := range strings.Lines(c.stderr.String()) {
			if json.Unmarshal([]byte(line), &serving) == nil && serving.Msg == "serving" {
				return true
			}
		}
		return c.over()
	})
	if len(serving.Listen) == 0 {
		t.Fatalf("the process ended: %v", c.err)
	}
	c.url, c.adminURL = "http://"+serving.Listen[0], "http://"+serving.Admin
	return c
}

// launch starts a process with any command line.
func launch(t *testing.T, env []string, args ...string) *child {
	t.Helper()
	c := &child{t: t}
	c.start(env, nil, os.Args[0], args...)
	return c
}

// start starts any program that becomes triage, with sockets as its descriptors from 3 on.
func (c *child) start(env []string, sockets []*net.TCPListener, program string, args ...string) {
	t := c.t
	t.Helper()
	c.stdout, c.stderr, c.ended = &buffer{}, &buffer{}, make(chan struct{})
	c.cmd = exec.Command(program, args...)
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = c.stdout, c.stderr
	for _, l := range sockets {
		file, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		c.cmd.ExtraFiles = append(c.cmd.ExtraFiles, file)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.err = c.cmd.Wait(); close(c.ended) }()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
		if strings.Contains(c.stderr.String(), "DATA RACE") || t.Failed() {
			t.Errorf("the process said:\n%s", c.stderr)
		}
	})
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("sending %v: %v", s, err)
	}
}

func (c *child) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// code waits for the end and gives the exit code.
func (c *child) code() int {
	c.t.Helper()
	return c.codeWithin(patience)
}

// codeWithin is code for what has more to do.
func (c *child) codeWithin(wait time.Duration) int {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(wait):
		c.t.Fatal("the process does not end")
	}
	var exit *exec.ExitError
	if errors.As(c.err, &exit) {
		return exit.ExitCode()
	}
	return 0
}
