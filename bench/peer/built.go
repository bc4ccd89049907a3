package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"triage/bench/child"
	"triage/bench/peer/facts"
	"triage/bench/peer/library"
)

// lib is a contender that is made of libraries, a subcommand of this program.
type lib struct {
	name string
	doc  docs
}

var libraries = []lib{
	{"reverseproxy", docs{
		"Go's httputil.ReverseProxy", "httputil.ReverseProxy, each pool's true size as MaxConnsPerHost",
		"net/http and httputil.ReverseProxy with kept connections, nothing else",
	}},
	{"failsafe", docs{
		"ReverseProxy behind failsafe-go's priority limiter with its defaults", "the same, a limiter for each pool that begins at its true size",
		"ReverseProxy behind failsafe-go's priority limiter, with places for all",
	}},
	{"gobreaker", docs{
		"ReverseProxy behind gobreaker with its defaults", "the same, a breaker for each route that opens at half errors for two seconds",
		"ReverseProxy behind gobreaker with its defaults, but that clients may hang up",
	}},
	{"gozero", docs{
		"ReverseProxy behind go-zero's shedder, from its equations, with its defaults", "the same, one for each pool, sheds whatever the processor does",
		"ReverseProxy behind go-zero's shedder, from its equations, which never takes the processor for busy",
	}},
}

// built is one of them with one of its configurations.
type built struct {
	lib
	setup setup
	self  string
}

// serves is the name by which its process is asked for.
func (b built) serves() string {
	if b.setup == bare {
		return library.BarePrefix + b.name
	}
	return b.name
}

func (b built) Name() string                   { return b.setup.named(b.name) }
func (b built) Doc() string                    { return b.doc[b.setup] }
func (b built) Tuned() bool                    { return b.setup == tuned }
func (b built) Absent() string                 { return "" }
func (b built) Version(context.Context) string { return library.Version(b.serves()) }
func (b built) Config() string                 { return library.Source(b.serves()) }

func (b built) Start(ctx context.Context, f facts.Facts) (*Running, error) {
	if b.setup != tuned {
		f.Pools = nil
	}
	dir, err := os.MkdirTemp("", "triage-peer-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the facts: %w", err)
	}
	defer os.RemoveAll(dir) // read when it is ready
	told, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "facts.json")
	if err := os.WriteFile(path, told, 0o600); err != nil {
		return nil, fmt.Errorf("writing the facts: %w", err)
	}
	var says struct {
		Listen string `json:"listen"`
	}
	process, err := child.Start(ctx, child.Settings{
		Name: b.Name(), Program: b.self, Args: []string{"bench", "peer", b.serves(), "--facts", path},
		Said: func(line string) bool {
			return says.Listen == "" && json.Unmarshal([]byte(line), &says) == nil && says.Listen != ""
		},
	})
	if err != nil {
		return nil, err
	}
	return &Running{URLs: []string{"http://" + says.Listen}, Process: process, Stop: process.Stop}, nil
}
