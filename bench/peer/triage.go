package peer

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"

	"triage/bench/child"
	"triage/bench/peer/facts"
)

// triage is Triage as an operator would use it, who knows routes and what they are worth; bare, it is one that has everything on.
type triage struct {
	self, name string
	setup      setup
	lane       string
}

func (t triage) Name() string { return t.name }
func (triage) Tuned() bool    { return false }
func (triage) Absent() string { return "" }

func (t triage) Doc() string {
	if t.setup == bare {
		return "lane: " + t.lane + ", every policy on: routes, a bucket for each client, breakers, the adaptive limit (observed, so that it refuses nobody), metrics, an access log in a file"
	}
	return "Triage with a configuration that names routes and priorities"
}

func (t triage) Config() string {
	if t.setup == bare {
		return source("bare.triage.yaml")
	}
	return source("triage.yaml")
}

func (t triage) Version(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, t.self, "version").Output()
	if err != nil {
		return "unknown"
	}
	return firstLine(text)
}

func (t triage) Start(ctx context.Context, f facts.Facts) (*Running, error) {
	f.Pools = nil
	return settled(f, func(p place) (*Running, error) { return t.start(ctx, p) })
}

func (t triage) start(ctx context.Context, p place) (*Running, error) {
	p.Lane = t.lane
	if err := p.write("triage.yaml", t.Config()); err != nil {
		return nil, err
	}
	var serving struct {
		Msg, Admin string
		Listen     []string
	}
	process, err := child.Start(ctx, child.Settings{
		Name: t.name, Program: t.self, Args: []string{"run", "-c", filepath.Join(p.Dir, "triage.yaml")},
		Said: func(line string) bool {
			return json.Unmarshal([]byte(line), &serving) == nil && serving.Msg == "serving" && len(serving.Listen) > 0
		},
	})
	if err != nil {
		return nil, err
	}
	return &Running{URLs: []string{"http://" + serving.Listen[0]}, Admin: "http://" + serving.Admin, Process: process, Stop: p.leave(process.Stop)}, nil
}
