package child

import (
	"net"
	"os"
	"testing"
)

// A child's time is that of its whole group: here of a shell's child, which counts to a number and prints it.
func TestCPUCountsWhatTheChildHasStarted(t *testing.T) {
	script := `(i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; echo counted; sleep 20) & wait`
	p, err := Start(t.Context(), Settings{Name: "the shell", Program: "/bin/sh", Args: []string{"-c", script}, Said: func(line string) bool { return line == "counted" }})
	if err != nil {
		t.Fatal(err)
	}
	cpu, known := p.CPU()
	if !known || cpu < clockTick {
		t.Errorf("CPU: %v, %v; want what counting to 50,000 takes", cpu, known)
	}
	if err := p.kill(); err != nil {
		t.Error(err)
	}
	<-p.Ended()
}

// Somebody who answers at an address makes a child ready that says nothing.
func TestReadyWhenItAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv(asChild, "good")
	p, err := Start(t.Context(), Settings{Name: "the child", Program: os.Args[0], Answers: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.kill(); err != nil {
		t.Error(err)
	}
	<-p.Ended()
}
