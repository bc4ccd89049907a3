//go:build unix

package record_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"triage/bench/record"
)

// The system is made to write no more than a few bytes into a file, as a full disk does.
func TestWriteWithoutRoom(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "r.json")
	if err := record.Write(path, small()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var usual syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100, Max: usual.Max}); err != nil {
		t.Fatal(err)
	}
	changed := small()
	changed.Command = "another"
	err = record.Write(path, changed)
	if back := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &usual); back != nil {
		t.Fatal(back)
	}
	if err == nil || !strings.Contains(err.Error(), "keeping the record") || !strings.Contains(err.Error(), "what was kept before is still there") {
		t.Errorf("error %v; want one that says what is left", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Errorf("the record before was changed:\n%s", after)
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("%v was left behind", left)
	}
}
