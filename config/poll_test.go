package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// told counts the changes that are waiting to be received: none or one.
func told(w *Watcher) int {
	select {
	case <-w.Changed():
		return 1
	default:
		return 0
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Without inotify the watcher polls; the same steps show that only content counts.
func TestPolling(t *testing.T) {
	path := filepath.Join(t.TempDir(), "triage.yaml")
	put(t, path, "name: a\n")
	touch := func() {
		if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	remove := func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		name string
		do   func()
		want int
	}{
		{"nothing", func() {}, 0},
		{"touch", touch, 0},
		{"other content", func() { put(t, path, "name: b\n") }, 1},
		{"nothing again", func() {}, 0},
		{"two changes between two looks", func() { put(t, path, "name: c\n"); put(t, path, "name: d\n") }, 1},
		{"the same content anew", func() { remove(); put(t, path, "name: d\n") }, 0},
		{"gone", remove, 0},
		{"back with the same content", func() { put(t, path, "name: d\n") }, 0},
		{"other content after that", func() { put(t, path, "name: e\n") }, 1},
	}
	synctest.Test(t, func(t *testing.T) {
		w, err := NewWatcher(path)
		if err != nil {
			t.Fatal(err)
		}
		w.notify = func() (*fsnotify.Watcher, error) { return nil, errors.New("no inotify instances left") }
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		for _, s := range steps {
			s.do()
			time.Sleep(pollAlone)
			synctest.Wait()
			if got := told(w); got != s.want {
				t.Errorf("%s: got %d changes, want %d", s.name, got, s.want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: got %v, want nil after the context ended", err)
		}
	})
}

// A change between NewWatcher and Run is told, and so is one that nobody received before the next.
func TestNoChangeIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "triage.yaml")
	put(t, path, "name: a\n")
	w, err := NewWatcher(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, "name: b\n")
	w.check()
	put(t, path, "name: c\n")
	w.check()
	if got := told(w) + told(w); got != 1 {
		t.Errorf("got %d changes, want two told as one", got)
	}
}
