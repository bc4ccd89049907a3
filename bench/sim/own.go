package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"
)

// longestFile bounds a file of scenarios, in bytes.
const longestFile = 1 << 20

// ReadFile reads scenarios that somebody has written: a file in the form of the zoo's, whose entries may have the zoo's as their base. What is
// wrong is a Mistakes, all of it at once: what the file says, and what scenarios drawn from it come to.
func ReadFile(path string) ([]Episode, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	r := &reader{file: path, work: mostNodes}
	table := r.document(text)
	if table != nil {
		r.pairs(table, "", func(key, value *yaml.Node) { r.look(value, reflect.TypeFor[spec](), key.Value) })
	}
	if len(r.mistakes) > 0 {
		return nil, r.mistakes.sorted()
	}
	episodes := r.episodes(table)
	if len(r.mistakes) > 0 {
		return nil, r.mistakes.sorted()
	}
	if len(episodes) == 0 {
		return nil, Mistakes{{path, 1, 1, "", "there is no scenario in it; want entries such as mine: {base: shop, phases: […]}, without backend: true"}}
	}
	return episodes, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the scenario %s: there is no such file", path)
		}
		return nil, fmt.Errorf("reading a scenario: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading a scenario: %w", err)
	}
	if len(text) > longestFile {
		return nil, fmt.Errorf("the scenario %s: it is longer than %d bytes", path, longestFile)
	}
	return text, nil
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// document parses the text as one mapping; nil if it is none.
func (r *reader) document(text []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	err := decoder.Decode(&document)
	if err == nil {
		if second := decoder.Decode(&yaml.Node{}); second != io.EOF {
			err = errors.New("there is more than one document in it, or something behind it; want one")
		}
	}
	switch {
	case err == io.EOF:
		r.mistakes = append(r.mistakes, Mistake{r.file, 1, 1, "", "it is empty; want entries such as mine: {base: shop, phases: […]}"})
	case err != nil:
		line := 1
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1])
		}
		r.mistakes = append(r.mistakes, Mistake{r.file, line, 1, "", "it is no YAML: " + lineNumber.ReplaceAllString(err.Error(), "")})
	default:
		return document.Content[0]
	}
	return nil
}

// seedsLooked is how many scenarios are drawn of each entry to see whether they can be.
const seedsLooked = 3

// episodes builds the file's entries, and tries what is drawn from them.
func (r *reader) episodes(table *yaml.Node) (all []Episode) {
	known, err := zooEntries()
	if err != nil {
		r.wrong(table, "", "the built-in scenarios cannot be read: %v", err)
		return nil
	}
	var own []entry
	for i := 0; i+1 < len(table.Content); i += 2 {
		e := entry{table.Content[i].Value, r.file, table.Content[i+1]}
		if there, taken := known[e.name]; taken && there.file != r.file {
			r.wrong(table.Content[i], e.name, "the name is taken by a built-in scenario; want another one")
		}
		known[e.name] = e
		own = append(own, e)
	}
	for _, e := range own {
		if e.node = named(e.node); e.node.Kind != yaml.MappingNode {
			r.wrong(e.node, e.name, "it is %s; want a mapping", kindOf(e.node))
			continue
		}
		episode, err := e.build(known)
		if err == nil {
			err = episode.load(os.DirFS(filepath.Dir(r.file)))
		}
		if err != nil {
			r.placed(e, err)
			continue
		}
		if episode.spec.Backend {
			continue
		}
		episode.Source = r.file
		for seed := 1; seed <= seedsLooked; seed++ {
			if _, err := episode.Scenario(Judging, seed); err != nil {
				r.placed(e, err)
				break
			}
		}
		all = append(all, episode)
	}
	return all
}

// placed files the problems in an error under where they stand, as far as the entry itself says so and not its base.
func (r *reader) placed(e entry, err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			r.placed(e, one)
		}
		return
	}
	var p placed
	if here, ok := err.(placed); ok {
		n, where := find(e.node, here.path, e.name)
		r.wrong(n, where, "%v", here.error)
		return
	}
	if inner := errors.Unwrap(err); inner != nil && (errors.As(err, &p) || isMany(inner)) {
		r.placed(e, inner)
		return
	}
	r.wrong(e.node, e.name, "%s", lineNumber.ReplaceAllString(err.Error(), ""))
}

func isMany(err error) bool {
	_, many := err.(interface{ Unwrap() []error })
	return many
}
