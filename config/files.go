package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// reference is a file that the configuration refers to.
type reference struct {
	path string
	// sum is the SHA-256 of the content, zero if it could not be read.
	sum [sha256.Size]byte
}

// files reads the files that a configuration refers to, each once.
type files struct {
	folder   string
	seen     []reference
	contents map[string][]byte
}

// absolute gives the path from the configuration's folder. It is absolute, so that it means the same to all who use it.
func (f *files) absolute(path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	return filepath.Abs(filepath.Join(f.folder, path))
}

// read gives a file's content, and remembers the file even if it cannot be read: it may come.
func (f *files) read(path string) ([]byte, error) {
	if data, ok := f.contents[path]; ok {
		return data, nil
	}
	data, err := readRegular(path)
	ref := reference{path: path}
	if err == nil {
		ref.sum = sha256.Sum256(data)
		f.contents[path] = data
	}
	f.seen = append(f.seen, ref)
	return data, err
}

// readRegular reads a regular file of at most 1 MiB; a pipe or a device would keep the reader waiting.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, errors.New("it is larger than 1 MiB")
	}
	return data, err
}

// file checks that a file is readable and makes its path absolute.
func (d *decoder) file(v reflect.Value, n *yaml.Node, path string) {
	if n.Value == "" || strings.ContainsRune(n.Value, 0) {
		d.problem(n, path, quote(n.Value)+" is not a path", "write the path of a file, or remove the key")
		return
	}
	absolute, err := d.files.absolute(n.Value)
	if err == nil {
		_, err = d.files.read(absolute)
	}
	if err != nil {
		var broken *fs.PathError
		if errors.As(err, &broken) {
			err = broken.Err
		}
		d.problem(n, path, "cannot read "+quote(n.Value)+": "+err.Error(), "write the path of a file of at most 1 MiB, absolute or from the configuration's folder")
		return
	}
	v.SetString(absolute)
}

// hash identifies a configuration. Without other files it is what sha256sum says of the file.
func hash(data []byte, files []reference) string {
	h := sha256.New()
	h.Write(data)
	for _, f := range files {
		h.Write(f.sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
