package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long the first event waits for those that follow: an editor's write, chmod and rename are one change.
	settle = 100 * time.Millisecond
	// pollAlone is how often files are read when nobody tells of changes.
	pollAlone = 2 * time.Second
	// pollBeside is how often they are read beside events, for what events miss: network file systems, folders
	// that were removed and made anew.
	pollBeside = 30 * time.Second
	// maxLooks ends the looking at files that change faster than they are read; their next event begins it anew.
	maxLooks = 4
)

// Watcher tells that a configuration, or a file it refers to, has other content than before.
//
// It watches folders, not files: editors rename a new file over the old one, and Kubernetes swaps a symbolic link to a
// whole folder. What counts is the content, so a touch is no change, and a file that is gone for a moment is none either.
type Watcher struct {
	path    string
	changed chan struct{}
	// notify is fsnotify.NewWatcher but in tests.
	notify func() (*fsnotify.Watcher, error)

	// raw identifies the configuration's content, all that of the files it refers to as well.
	raw   [sha256.Size]byte
	all   string
	files []reference
}

// NewWatcher watches the configuration at the path from its content now. Make it before loading: then no change is
// lost between the two.
func NewWatcher(path string) (*Watcher, error) {
	if path == "-" {
		return nil, errors.New("standard input cannot be watched; give a file")
	}
	w := &Watcher{path: path, changed: make(chan struct{}, 1), notify: fsnotify.NewWatcher}
	if _, err := w.look(); err != nil {
		return nil, err
	}
	return w, nil
}

// Changed receives once after one or more changes. Whether the new content is sane is for Load to say.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

// Run watches until the context ends, and returns nil then. Where the system has no more watches to give it polls.
func (w *Watcher) Run(ctx context.Context) error {
	events, err := w.notify()
	if err == nil {
		defer events.Close()
		err = w.follow(events)
	}
	if err != nil {
		return w.poll(ctx)
	}
	w.catchUp(events)
	settled := time.NewTimer(settle)
	settled.Stop()
	waiting := false
	late := time.NewTicker(pollBeside)
	defer late.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-events.Events:
		case <-events.Errors:
			// Events were lost; looking at the files tells what they would have told.
		case <-late.C:
		case <-settled.C:
			waiting = false
			w.catchUp(events)
			continue
		}
		if !waiting {
			waiting = true
			settled.Reset(settle)
		}
	}
}

// poll looks at the files again and again.
func (w *Watcher) poll(ctx context.Context) error {
	tick := time.NewTicker(pollAlone)
	defer tick.Stop()
	for {
		w.check()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// catchUp looks until it has seen everything there is: a new content may refer to files in folders that were not
// watched while it was read, and who is told of the change may rely on the next one being seen.
func (w *Watcher) catchUp(events *fsnotify.Watcher) {
	tell := false
	for range maxLooks {
		// A folder that cannot be followed is left to the late look.
		_ = w.follow(events)
		changed, err := w.look()
		if err != nil || !changed {
			break
		}
		tell = true
	}
	if tell {
		w.tell()
	}
}

// follow makes the folders of all files those that are watched.
func (w *Watcher) follow(events *fsnotify.Watcher) error {
	wanted := map[string]bool{}
	paths := []string{w.path}
	for _, f := range w.files {
		paths = append(paths, f.path)
	}
	for _, path := range paths {
		wanted[filepath.Dir(path)] = true
		// The file behind a symbolic link may be written in place, and then only its own folder tells.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			wanted[filepath.Dir(real)] = true
		}
	}
	for _, folder := range events.WatchList() {
		if !wanted[folder] {
			// It is gone already if the folder is.
			_ = events.Remove(folder)
		}
	}
	var failed error
	for folder := range wanted {
		if err := events.Add(folder); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// check tells of a change if there is one.
func (w *Watcher) check() {
	if changed, err := w.look(); err == nil && changed {
		w.tell()
	}
}

// tell leaves word of a change; one that is still waiting covers this one too.
func (w *Watcher) tell() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// look reads the files and reports whether their content is another than at the last look. While the configuration cannot
// be read there is nothing to report: it is about to be replaced, or what runs stays in force.
func (w *Watcher) look() (bool, error) {
	data, err := readFile(w.path)
	if err != nil {
		return false, err
	}
	if raw := sha256.Sum256(data); raw != w.raw {
		l, _ := parse(w.path, data)
		w.raw, w.files = raw, l.files
	}
	again := files{contents: map[string][]byte{}}
	for _, f := range w.files {
		// A file that cannot be read has the zero sum, and that is a change as well.
		_, _ = again.read(f.path)
	}
	was := w.all
	w.all = hash(data, again.seen)
	return w.all != was, nil
}
