package child

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asChild makes this test binary a child that behaves as the variable says.
const asChild = "TEST_AS_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(asChild) {
	case "":
		os.Exit(m.Run())
	case "fails":
		fmt.Fprintln(os.Stderr, "no such scenario")
		os.Exit(3)
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	}
	asked := make(chan os.Signal, 1)
	if os.Getenv(asChild) == "good" {
		signal.Notify(asked, syscall.SIGTERM)
	}
	fmt.Println(`{"ready": true}`)
	fmt.Fprintln(os.Stderr, "some words")
	if os.Getenv(asChild) == "short" {
		os.Exit(0)
	}
	select {
	case <-asked:
	case <-time.After(time.Minute):
	}
}

func ready(line string) bool { return strings.Contains(line, "ready") }

// child starts this binary as one.
func child(t *testing.T, how string) (*Process, error) {
	t.Helper()
	t.Setenv(asChild, how)
	return Start(t.Context(), Settings{Name: "the child", Program: os.Args[0], Said: ready})
}

func TestAChildEndsInOrder(t *testing.T) {
	p, err := child(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestAChildThatFailsIsQuoted(t *testing.T) {
	_, err := child(t, "fails")
	if err == nil || !strings.Contains(err.Error(), "did not start") || !strings.Contains(err.Error(), "no such scenario") {
		t.Errorf("got %v; want that it did not start, and its words", err)
	}
}

func TestAChildThatEndsByItself(t *testing.T) {
	p, err := child(t, "short")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "ended by itself") || !strings.Contains(err.Error(), "some words") {
		t.Errorf("got %v; want that it ended by itself, and its words", err)
	}
}

func TestAChildThatDoesNotHearIsKilled(t *testing.T) {
	p, err := child(t, "deaf")
	if err != nil {
		t.Fatal(err)
	}
	p.patience = 20 * time.Millisecond
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("got %v; want that it was killed", err)
	}
	if p.cmd.ProcessState == nil {
		t.Error("it was not waited for")
	}
}

func TestNoSuchProgram(t *testing.T) {
	if _, err := Start(t.Context(), Settings{Name: "triage", Program: "/nowhere/triage", Said: ready}); err == nil || !strings.Contains(err.Error(), "starting triage") {
		t.Errorf("got %v; want an error about the start", err)
	}
}

func TestAStartCanBeGivenUp(t *testing.T) {
	t.Setenv(asChild, "good")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Settings{Name: "the child", Program: os.Args[0], Said: func(string) bool { return false }})
	if err == nil || !strings.Contains(err.Error(), "deadline exceeded") {
		t.Errorf("got %v; want the context's error", err)
	}
}
