package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxFile is the largest configuration, and the largest file that one refers to, in bytes.
const maxFile = 1 << 20

// Loaded is a configuration that is sane, with what is needed to tell more about it.
type Loaded struct {
	File File
	// Hash is the first 12 hex digits of the SHA-256 of the file, and of the files it refers to if there are any.
	Hash string
	// Raw is the file as it was read.
	Raw []byte

	name  string
	at    map[string]position
	files []reference
}

// Load reads the configuration at the path; "-" is standard input. When the content is at fault, the error is Problems.
func Load(path string) (*Loaded, error) {
	if path == "-" {
		data, err := io.ReadAll(io.LimitReader(os.Stdin, maxFile+1))
		if err != nil {
			return nil, fmt.Errorf("reading the configuration from standard input: %w", err)
		}
		return Parse("stdin", data)
	}
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// readFile reads at most one byte more than a configuration may have: Parse says that it is too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return data, nil
}

// Parse reads a configuration from memory. Problems show the name; relative files resolve against its folder.
func Parse(name string, data []byte) (*Loaded, error) {
	l, problems := parse(name, data)
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	return l, nil
}

// parse gives what could be read even when there are problems: the watcher wants to know the files.
func parse(name string, data []byte) (*Loaded, Problems) {
	d := &decoder{
		name:  name,
		files: &files{folder: filepath.Dir(name), contents: map[string][]byte{}},
		at:    map[string]position{},
		work:  workPerByte*len(data) + aliasAllowance,
	}
	l := &Loaded{Raw: data, name: name, at: d.at}
	if root := d.tree(data); root != nil {
		d.structure(reflect.ValueOf(&l.File).Elem(), root, "")
		d.check(&l.File)
	}
	l.files = d.files.seen
	l.Hash = hash(data, l.files)
	return l, d.problems
}

// tree gives the one document of the file, nil after a problem.
func (d *decoder) tree(data []byte) *yaml.Node {
	if offset, m := unreadable(data); m.what != "" {
		d.problemAt(locate(data, offset), "", m.what, m.want)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	err := next(decoder, &document)
	if err == nil {
		err = next(decoder, &second)
		if err == nil {
			d.problem(&second, "", "here a second document begins", "one file holds one document; remove the ---")
			return nil
		}
	} else if errors.Is(err, io.EOF) {
		d.problemAt(position{1, 1}, "", "the file is empty", "it needs at least listen, upstreams and routes")
		return nil
	}
	if !errors.Is(err, io.EOF) {
		at, m := syntax(data, err)
		d.problemAt(at, "", m.what, m.want)
		return nil
	}
	root := resolve(document.Content[0])
	if root.ShortTag() == "!!null" {
		d.problem(root, "", "the file is empty", "it needs at least listen, upstreams and routes")
		return nil
	}
	return root
}

// next reads one document. The parser panics where it finds a defect of its own; to the operator that is a file it cannot read.
func next(decoder *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if defect := recover(); defect != nil {
			err = fmt.Errorf("yaml: %v", defect)
		}
	}()
	return decoder.Decode(into)
}

// unreadable finds the first byte that no configuration has, and says why.
func unreadable(data []byte) (offset int, m mistake) {
	const save = "save the file as UTF-8 text"
	if len(data) > maxFile {
		return 0, mistake{"the file is larger than 1 MiB", "a configuration is at most 1 MiB"}
	}
	if bytes.HasPrefix(data, []byte{0xFE, 0xFF}) || bytes.HasPrefix(data, []byte{0xFF, 0xFE}) {
		return 0, mistake{"the file is UTF-16", save}
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == 0:
			return i, mistake{"the file is binary", save}
		case r == utf8.RuneError && size == 1:
			return i, mistake{"this is not UTF-8", save}
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7F:
			return i, mistake{"a control character " + strconv.QuoteRune(r), "remove it, or write it escaped in double quotes"}
		}
		i += size
	}
	return 0, mistake{}
}

// locate gives the line and column of a byte.
func locate(data []byte, offset int) position {
	before := data[:offset]
	return position{bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1}
}

var (
	syntaxError   = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax turns the parser's error into a problem. The parser tells the line only, so the column is that of the line's first
// word; where it tells no line it means the first.
func syntax(data []byte, err error) (position, mistake) {
	parts := syntaxError.FindStringSubmatch(err.Error())
	if parts == nil {
		return position{1, 1}, mistake{"not YAML: " + quote(err.Error()), "mend the syntax"}
	}
	what := parts[2]
	if anchor := unknownAnchor.FindStringSubmatch(what); anchor != nil {
		at := locate(data, max(0, bytes.Index(data, []byte("*"+anchor[1]))))
		return at, mistake{"no anchor is named " + quote(anchor[1]), "define it with &" + clip(anchor[1]) + " further up, or quote the text"}
	}
	line, _ := strconv.Atoi(parts[1])
	if strings.HasPrefix(what, "did not find expected") {
		line = firstBroken(data, err)
	}
	line = max(1, line)
	blank := indentation(data, line)
	want := "check quotes, brackets and indentation here and just above"
	if strings.Contains(blank, "\t") {
		want = "indent with spaces, not tabs"
	}
	return position{line, len(blank) + 1}, mistake{"not YAML: " + what, want}
}

// firstBroken gives the line that a grammar error is about. The parser tells where the list or mapping around it begins,
// which may be far above; but it reads from the front, so it is the line without which the error is not there.
func firstBroken(data []byte, err error) int {
	var ends []int
	for i, b := range data {
		if b == '\n' {
			ends = append(ends, i+1)
		}
	}
	return 1 + sort.Search(len(ends), func(i int) bool {
		var ignored yaml.Node
		broken := next(yaml.NewDecoder(bytes.NewReader(data[:ends[i]])), &ignored)
		return broken != nil && broken.Error() == err.Error()
	})
}

// indentation gives the blanks that a line begins with.
func indentation(data []byte, line int) string {
	for range line - 1 {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	return string(data[:len(data)-len(bytes.TrimLeft(data, " \t"))])
}

// Problem makes a problem of something found later, by whoever builds from the file. The path is like "routes[2].match";
// where the file does not go so deep, the position is that of what is nearest above.
func (l *Loaded) Problem(path, what, want string) Problem {
	at := nearestAbove(l.at, path)
	return Problem{l.name, at.line, at.column, path, what, want}
}

// nearestAbove gives the position of a path, or of the nearest one above it that the file has.
func nearestAbove(at map[string]position, path string) position {
	for path != "" {
		if p, ok := at[path]; ok {
			return p
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return position{1, 1}
}
