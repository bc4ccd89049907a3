package main

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// logWriter is where the access log goes. A file is opened anew on every reload, so that a rotated one is let go.
type logWriter struct {
	path string // "" for a stream

	mu   sync.Mutex
	to   io.Writer
	file *os.File
}

// openLog opens stdout, stderr, off, or a file to append to.
func openLog(to string, stdout, stderr io.Writer) (*logWriter, error) {
	switch to {
	case "stdout":
		return &logWriter{to: stdout}, nil
	case "stderr":
		return &logWriter{to: stderr}, nil
	case "off":
		return &logWriter{to: io.Discard}, nil
	}
	l := &logWriter{path: to}
	return l, l.Reopen()
}

// Write writes whole lines.
func (l *logWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

// Reopen opens the file anew; a stream stays as it is.
func (l *logWriter) Reopen() error {
	if l.path == "" {
		return nil
	}
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("opening the access log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.to = file, file
	return nil
}

// Close closes the file, if it is one.
func (l *logWriter) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	file := l.file
	l.file, l.to = nil, io.Discard
	return file.Close()
}
