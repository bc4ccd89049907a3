package peer

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"triage/bench/child"
	"triage/bench/peer/facts"
)

// triage is Triage as an operator would use it, who knows routes and what they are worth.
type triage struct{ self string }

func (triage) Name() string   { return "triage" }
func (triage) Doc() string    { return "Triage with a configuration that names routes and priorities" }
func (triage) Tuned() bool    { return false }
func (triage) Absent() string { return "" }
func (triage) Config() string { return source("triage.yaml") }

func (t triage) Version(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, t.self, "version").Output()
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line
}

func (t triage) Start(ctx context.Context, f facts.Facts) (_ *Running, err error) {
	f.Pools = nil
	p, err := settle(f)
	defer func() {
		if err != nil && p.Dir != "" {
			err = errors.Join(err, os.RemoveAll(p.Dir))
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := p.write("triage.yaml", t.Config()); err != nil {
		return nil, err
	}
	var serving struct {
		Msg, Admin string
		Listen     []string
	}
	process, err := child.Start(ctx, child.Settings{
		Name: "triage", Program: t.self, Args: []string{"run", "-c", filepath.Join(p.Dir, "triage.yaml")},
		Said: func(line string) bool {
			return json.Unmarshal([]byte(line), &serving) == nil && serving.Msg == "serving" && len(serving.Listen) > 0
		},
	})
	if err != nil {
		return nil, err
	}
	return &Running{URLs: []string{"http://" + serving.Listen[0]}, Admin: "http://" + serving.Admin, Process: process, Stop: p.leave(process.Stop)}, nil
}
