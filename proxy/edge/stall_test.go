package edge_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// attempt is a test's try at something that a machine which stands still for a moment spoils. What it says is kept.
type attempt struct {
	testing.TB
	mu       sync.Mutex
	said     []string
	cleanups []func()
}

// retried calls f until it goes well once. It is for deadlines of a fraction of a second: whoever is not run for that long misses one, and
// nobody is to blame; who is to blame misses it every time.
func retried(t *testing.T, f func(t testing.TB)) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		a := &attempt{TB: t}
		trouble := a.run(f)
		if trouble == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(trouble)
		}
	}
}

// run gives what was said, "" if all went well.
func (a *attempt) run(f func(t testing.TB)) string {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer a.clean()
		f(a)
	}()
	<-ended
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.said, "\n")
}

func (a *attempt) clean() {
	for _, f := range slices.Backward(a.cleanups) {
		f()
	}
}

func (a *attempt) Cleanup(f func()) { a.cleanups = append(a.cleanups, f) }

func (a *attempt) Error(args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

func (a *attempt) Errorf(format string, args ...any) { a.Error(fmt.Sprintf(format, args...)) }

func (a *attempt) Fatal(args ...any) {
	a.Error(args...)
	runtime.Goexit()
}

func (a *attempt) Fatalf(format string, args ...any) { a.Fatal(fmt.Sprintf(format, args...)) }
