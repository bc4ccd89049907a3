package incident

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// waitingMost is how many entries wait for a disk that takes none.
	waitingMost = 4096
	// againAfter is how long after a failure the disk is tried again.
	againAfter = 5 * time.Second
	// longestLine bounds what is read as one entry, in bytes.
	longestLine = 1 << 20
)

// store appends entries to a file. Nobody waits for it but run.
type store struct {
	path   string
	logger *slog.Logger
	read   []Entry
	odd    int // lines that were no entries

	mu      sync.Mutex
	waiting []Entry
	lost    int
	err     string
	filled  chan struct{}
	torn    bool // what was written last may have no end

	// size is the file's, kept what it had when it was last written anew, in bytes; of run alone.
	size, kept int64
}

// openStore reads the file, which may not be there yet, and sees that it can be written.
func openStore(path string, logger *slog.Logger) (*store, error) {
	s := &store{path: path, logger: logger, filled: make(chan struct{}, 1)}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	f, err := s.open()
	if err != nil {
		return nil, fmt.Errorf("opening the file of incidents: %w", err)
	}
	return s, f.Close()
}

func (s *store) open() (*os.File, error) {
	return os.OpenFile(s.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// load reads every line that is an entry. The last may have been cut off by a crash.
func (s *store) load() error {
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return nil // a device has nothing to read
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, longestLine)
	for {
		line, err := lines.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			line = nil
			_, err = lines.ReadSlice('\n')
		}
		var e Entry
		if len(bytes.TrimSpace(line)) > 0 {
			if json.Unmarshal(line, &e) != nil || e.Incident == "" || e.Kind == "" {
				s.odd++
			} else {
				s.read = append(s.read, e)
			}
		}
		if err != nil {
			s.torn = len(line) > 0
			break
		}
	}
	if s.odd > 0 {
		s.logger.Warn("lines of the file of incidents are no entries; they are left out", "file", s.path, "lines", s.odd)
	}
	return nil
}

// take gives what was read, once.
func (s *store) take() []Entry {
	read := s.read
	s.read = nil
	return read
}

// compactFrom is the size from which on the file is written anew without what is not kept, in bytes.
const compactFrom = 8 << 20

// grown reports whether most of a large file may be what nobody keeps any more.
func (s *store) grown() bool { return s.size >= compactFrom && s.size >= 2*s.kept }

// compact writes the file anew if it is large: with the entries of these incidents alone. A failure leaves the old one as it is.
func (s *store) compact(incidents []*Incident) {
	info, err := os.Stat(s.path)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	if s.size = info.Size(); s.size < compactFrom {
		return
	}
	s.kept = s.size // also after a failure: it is not tried again at once
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	var all []Entry
	for _, i := range incidents {
		all = append(all, i.Entries...)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Seq, b.Seq) }) // word of an old one may be younger than a new one
	for _, e := range all {
		_ = encoder.Encode(e) // an Entry has nothing that JSON cannot say
	}
	next := filepath.Join(filepath.Dir(s.path), "."+filepath.Base(s.path)+".new")
	err = os.WriteFile(next, text.Bytes(), 0o600)
	if err == nil {
		err = os.Rename(next, s.path)
	}
	if err != nil {
		s.logger.Warn("the file of incidents stays as large as it is", "file", s.path, "error", err)
		return
	}
	s.torn, s.size, s.kept = false, int64(text.Len()), int64(text.Len())
}

// put lets an entry wait for the disk.
func (s *store) put(e Entry) {
	s.mu.Lock()
	if len(s.waiting) >= waitingMost {
		s.waiting = s.waiting[1:]
		s.lost++
	}
	s.waiting = append(s.waiting, e)
	s.mu.Unlock()
	select {
	case s.filled <- struct{}{}:
	default:
	}
}

func (s *store) trouble() (why string, lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err, s.lost
}

// Run writes entries to disk until the context ends, and then what is left, and who was affected until then.
func (b *Book) Run(ctx context.Context) error {
	s := b.store
	if s == nil {
		<-ctx.Done()
		return nil
	}
	defer func() {
		b.leave()
		s.flush()
	}()
	for {
		var again <-chan time.Time
		if !s.flush() {
			again = time.After(againAfter)
		} else {
			b.tidy(time.Now())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again:
		case <-s.filled:
			if again != nil { // a disk that was full a moment ago still is
				select {
				case <-ctx.Done():
				case <-again:
				}
			}
		}
	}
}

// flush writes what waits, and reports whether that went well.
func (s *store) flush() bool {
	s.mu.Lock()
	entries := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	if len(entries) == 0 {
		return true
	}
	err := s.append(entries)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		if s.err != "" {
			s.logger.Info("the file of incidents takes entries again", "file", s.path)
		}
		s.err = ""
		return true
	}
	if s.err == "" {
		s.logger.Error("incidents are not written to disk; they are kept in memory", "file", s.path, "error", err)
	}
	s.err = err.Error()
	s.waiting = append(entries, s.waiting...)
	if over := len(s.waiting) - waitingMost; over > 0 {
		s.waiting = s.waiting[over:]
		s.lost += over
	}
	return false
}

// append writes lines, all or, after an error, any part of them: reading takes an entry that is there twice for one.
func (s *store) append(entries []Entry) error {
	var text bytes.Buffer
	if s.torn {
		text.WriteByte('\n')
	}
	encoder := json.NewEncoder(&text)
	for _, e := range entries {
		if err := encoder.Encode(e); err != nil {
			return err
		}
	}
	f, err := s.open()
	if err != nil {
		return err
	}
	n, err := f.Write(text.Bytes())
	if err == nil {
		err = f.Sync()
		if errors.Is(err, syscall.EINVAL) {
			err = nil // a pipe or a device
		}
	}
	s.size += int64(n)
	s.torn = err != nil && n > 0 || err != nil && s.torn
	return errors.Join(err, f.Close())
}
