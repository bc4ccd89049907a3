package config_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watch runs a watcher until the test ends.
func watch(t *testing.T, path string) *config.Watcher {
	t.Helper()
	w, err := config.NewWatcher(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: got %v, want nil after the context ended", err)
		}
	})
	return w
}

// changed waits for a change. The wait is long for a loaded machine; a change takes a little over 100 ms.
func changed(t *testing.T, w *config.Watcher, after string) {
	t.Helper()
	select {
	case <-w.Changed():
	case <-time.After(20 * time.Second):
		t.Fatalf("no change was told after %s", after)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

func TestWatcherSeesEditors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "triage.yaml")
	write(t, path, minimal)
	w := watch(t, path)
	write(t, path, minimal+"name: a\n")
	changed(t, w, "writing in place")
	write(t, path+".swp", minimal+"name: b\n")
	rename(t, path+".swp", path)
	changed(t, w, "renaming over the file")
	rename(t, path, path+"~")
	write(t, path, minimal+"name: c\n")
	changed(t, w, "moving the file away and writing it anew")
	write(t, path, "not a configuration\n")
	changed(t, w, "writing nonsense: Load says that it is")
	write(t, path, minimal)
	changed(t, w, "mending it")
}

// Kubernetes mounts a ConfigMap as symbolic links to a folder that it swaps as a whole (kubernetes.io, pkg/volume/util/atomic_writer.go).
func TestWatcherSeesConfigMaps(t *testing.T) {
	folder := t.TempDir()
	version := func(name, text string) {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, name, "triage.yaml"), text)
		symlink(t, name, filepath.Join(folder, "..data_tmp"))
		rename(t, filepath.Join(folder, "..data_tmp"), filepath.Join(folder, "..data"))
	}
	version("..2026_1", minimal)
	symlink(t, filepath.Join("..data", "triage.yaml"), filepath.Join(folder, "triage.yaml"))
	w := watch(t, filepath.Join(folder, "triage.yaml"))
	for _, name := range []string{"..2026_2", "..2026_3", "..2026_4"} {
		version(name, minimal+"name: v"+name[len(name)-1:]+"\n")
		changed(t, w, "swapping to "+name)
	}
	if err := os.RemoveAll(filepath.Join(folder, "..2026_1")); err != nil {
		t.Fatal(err)
	}
	version("..2026_5", minimal)
	changed(t, w, "swapping after an old version was removed")
}

func TestWatcherFollowsALinkToElsewhere(t *testing.T) {
	real, link := filepath.Join(t.TempDir(), "real.yaml"), filepath.Join(t.TempDir(), "triage.yaml")
	write(t, real, minimal)
	symlink(t, real, link)
	w := watch(t, link)
	write(t, real, minimal+"name: a\n")
	changed(t, w, "writing the file behind the link")
	write(t, real, minimal+"name: b\n")
	changed(t, w, "writing it again, now that the watcher surely runs")
}

func TestWatcherSeesFilesThatAreReferredTo(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	path, body := filepath.Join(folder, "triage.yaml"), filepath.Join(elsewhere, "body")
	write(t, body, "one")
	write(t, path, minimal)
	w := watch(t, path)
	write(t, path, minimal+"    degrade: {fallback: {body_file: "+body+"}}\n")
	changed(t, w, "referring to a file")
	write(t, body, "two")
	changed(t, w, "changing the file in another folder")
	if err := os.Remove(body); err != nil {
		t.Fatal(err)
	}
	changed(t, w, "removing it")
	write(t, body, "three")
	changed(t, w, "bringing it back")
}

func TestWatcherRefuses(t *testing.T) {
	for path, want := range map[string]string{"-": "standard input cannot be watched", "testdata/none.yaml": "testdata/none.yaml"} {
		if _, err := config.NewWatcher(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", path, err, want)
		}
	}
}
