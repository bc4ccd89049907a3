package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// largest is how much is read: a record of an hour with twenty peers is a hundredth of it.
const largest = 1 << 30

// Encode writes a record: a line for each object's field, and one for each list of numbers.
func Encode(to io.Writer, r Record) error {
	r.Schema = Schema
	if err := r.check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	_, err = to.Write(append(joined(text), '\n'))
	return err
}

// joined puts each list of plain values into one line, of text as the standard library indents it. It works in place.
func joined(text []byte) []byte {
	out := text[:0]
	list := -1 // where in out the innermost list begins, while it has plain values only
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		out = append(out, c)
		switch {
		case quoted && c == '\\':
			i++
			out = append(out, text[i])
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			list = len(out) - 1
		case c == '{':
			list = -1
		case c == ']' && list >= 0:
			out = oneLine(out, list)
			list = -1
		}
	}
	return out
}

// oneLine takes the line breaks and what indents after them out of text from a place on; no text within quotes has any.
func oneLine(text []byte, from int) []byte {
	out, indent := text[:from], false
	for _, c := range text[from:] {
		indent = c == '\n' || indent && c == ' '
		if !indent {
			out = append(out, c)
		}
	}
	return out
}

// Write puts a record into a file, in the place of the one before: all of it, or the one before stays.
func Write(path string, r Record) error {
	var text bytes.Buffer
	err := Encode(&text, r)
	if err == nil {
		err = replace(path, text.Bytes())
	}
	if err != nil {
		return fmt.Errorf("keeping the record %s: %w%s", path, err, stays(path))
	}
	return nil
}

func stays(path string) string {
	if _, err := os.Stat(path); err == nil {
		return " (what was kept before is still there)"
	}
	return ""
}

// replace writes beside the file and takes its place; what was begun and not finished is taken away.
func replace(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync() // without it a crash may leave the new name with nothing behind it
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// Read reads a record from a file.
func Read(path string) (r Record, err error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return r, fmt.Errorf("the record %s: there is no such file; want one that --record wrote", path)
		}
		return r, fmt.Errorf("opening a record: %w", err)
	}
	defer f.Close()
	if r, err = Decode(f); err != nil {
		return r, fmt.Errorf("the record %s: %w", path, err)
	}
	return r, nil
}

// Decode reads what Encode wrote, and looks whether it holds together.
func Decode(from io.Reader) (r Record, err error) {
	text, err := io.ReadAll(io.LimitReader(from, largest+1))
	if err != nil {
		return r, err
	}
	if len(text) > largest {
		return r, fmt.Errorf("it is longer than %d bytes", largest)
	}
	var head struct {
		Schema *int `json:"schema"`
	}
	switch err := json.Unmarshal(text, &head); {
	case err != nil:
		return r, fmt.Errorf("it is no record: %w", err)
	case head.Schema == nil:
		return r, errors.New(`it is no record: it has no "schema"; want a file that --record wrote`)
	case *head.Schema > Schema:
		return r, fmt.Errorf("it has schema %d, this program knows up to %d: want a newer triage", *head.Schema, Schema)
	case *head.Schema < 1:
		return r, fmt.Errorf("it has schema %d: want 1 to %d", *head.Schema, Schema)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("reading it: %w", err)
	}
	return r, r.check()
}
