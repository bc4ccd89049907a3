package sim

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"

	"gopkg.in/yaml.v3"
)

//go:embed zoo/*.yaml
var zooFiles embed.FS

// Draw names a set of concrete scenarios out of the zoo's ranges. What is tuned is tuned on one, what is claimed is measured on
// another.
type Draw string

// The draws.
const (
	Development Draw = "development"
	Judging     Draw = "judging"
)

// Episode is a family of scenarios: what happens, with ranges where reality varies.
type Episode struct {
	Name, Doc string
	// Source is the file that it was read from; "" if it is built in.
	Source string
	spec   spec
}

// Zoo gives the built-in episodes, in the order of their files.
func Zoo() ([]Episode, error) { return ReadZoo(zooFiles) }

// entry is one entry of a file: its node, for merging.
type entry struct {
	name, file string
	node       *yaml.Node
}

// bases is how long a chain of bases may be.
const bases = 8

// ReadZoo reads the episodes of all zoo/*.yaml. Unknown keys, wrong units, unknown bases and names that are there twice are errors;
// what only a drawn scenario can show is checked when it runs.
func ReadZoo(files fs.FS) ([]Episode, error) {
	entries, known, err := readEntriesOf(files)
	if err != nil {
		return nil, err
	}
	var episodes []Episode
	for _, e := range entries {
		episode, err := e.build(known)
		if err == nil {
			err = episode.load(nil)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: line %d: %s: %w", e.file, e.node.Line, e.name, err)
		}
		if !episode.spec.Backend {
			episodes = append(episodes, episode)
		}
	}
	return episodes, nil
}

// readEntriesOf reads the entries of all files, in order and by name.
func readEntriesOf(files fs.FS) (entries []entry, known map[string]entry, err error) {
	paths, err := fs.Glob(files, "zoo/*.yaml")
	if err != nil {
		return nil, nil, fmt.Errorf("looking for episodes: %w", err)
	}
	known = map[string]entry{}
	for _, path := range paths {
		if path == missesFile {
			continue
		}
		found, err := readEntries(files, path)
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", path, err)
		}
		for _, e := range found {
			if first, there := known[e.name]; there {
				return nil, nil, fmt.Errorf("reading %s: line %d: %q is already in %s", path, e.node.Line, e.name, first.file)
			}
			known[e.name] = e
		}
		entries = append(entries, found...)
	}
	return entries, known, nil
}

// zooEntries are the built-in ones, by name.
func zooEntries() (map[string]entry, error) {
	_, known, err := readEntriesOf(zooFiles)
	return known, err
}

// readEntries checks one file strictly and gives its entries in order.
func readEntries(files fs.FS, path string) ([]entry, error) {
	text, err := fs.ReadFile(files, path)
	if err != nil {
		return nil, err
	}
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(&map[string]spec{}); err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	table := document.Content[0]
	var entries []entry
	for i := 0; i+1 < len(table.Content); i += 2 {
		entries = append(entries, entry{table.Content[i].Value, path, table.Content[i+1]})
	}
	return entries, nil
}

// build lays an entry over its bases.
func (e entry) build(known map[string]entry) (Episode, error) {
	episode := Episode{Name: e.name}
	node := e.node
	at := e
	for depth := 0; ; depth++ {
		base := at.value("base")
		if base == "" {
			break
		}
		next, there := known[base]
		if !there || depth == bases {
			return episode, fmt.Errorf("base %q: want another entry of the zoo, at most %d deep", base, bases)
		}
		node = overlay(next.node, node)
		at = next
	}
	if err := node.Decode(&episode.spec); err != nil {
		return episode, err
	}
	episode.spec.Backend = e.value("backend") == "true"
	episode.Doc = episode.spec.Doc
	return episode, nil
}

func (e entry) value(key string) string {
	for i := 0; i+1 < len(e.node.Content); i += 2 {
		if e.node.Content[i].Value == key {
			return e.node.Content[i+1].Value
		}
	}
	return ""
}

// overlay merges tables key by key; anything else of over replaces what is below. A null takes a key away.
func overlay(base, over *yaml.Node) *yaml.Node {
	base, over = named(base), named(over)
	if base.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		return over
	}
	merged := *base
	merged.Content = append([]*yaml.Node(nil), base.Content...)
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		at := -1
		for k := 0; k+1 < len(merged.Content); k += 2 {
			if merged.Content[k].Value == key.Value {
				at = k
			}
		}
		switch {
		case at < 0:
			merged.Content = append(merged.Content, key, value)
		case value.ShortTag() == "!!null":
			merged.Content = append(merged.Content[:at:at], merged.Content[at+2:]...)
		default:
			merged.Content[at+1] = overlay(merged.Content[at+1], value)
		}
	}
	return &merged
}

// named gives the node that an alias stands for.
func named(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
