package peer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"triage/bench/child"
	"triage/bench/peer/facts"
)

// Contender is a proxy with a configuration.
type Contender interface {
	Name() string
	// Doc says in a sentence what it does.
	Doc() string
	// Tuned says that it is told Facts.Pools.
	Tuned() bool
	// Absent says why it cannot be started, and what would help; "": it can.
	Absent() string
	// Version is what it says of itself.
	Version(context.Context) string
	// Config is what it is configured with, before the facts are filled in.
	Config() string
	Start(context.Context, facts.Facts) (*Running, error)
}

// Running is a contender that runs.
type Running struct {
	// URLs are where clients ask.
	URLs []string
	// Admin is the URL of its admin API if it is a Triage.
	Admin string
	// Process is nil if there is none.
	Process *child.Process
	// Stop ends it, and says if it had ended before or ended badly.
	Stop func() error
}

// TunedSuffix marks the name of a contender that was tuned by hand.
const TunedSuffix = "-tuned"

// AlikeSuffix marks the name of one that has the duties that Triage has when its cost is measured, as far as it knows them.
const AlikeSuffix = "-alike"

// All are all contenders, in the order of tables. self is the path of this program.
func All(self string) []Contender {
	all := []Contender{nothing{}}
	for _, p := range programs {
		all = append(all, external{p, advised}, external{p, tuned})
	}
	for _, l := range libraries {
		all = append(all, built{l, advised, self}, built{l, tuned, self})
	}
	return append(all, triage{self: self, name: "triage"})
}

// Bare are those whose cost can be measured: each does nothing but forward requests on one core, and refuse those to /refused/ by a quota. But
// those made of a library have it decide about each request, what is alike has Triage's duties too, and Triage has every policy on, in each of its
// lanes; the second one is the first with another name while auto is the fast lane.
func Bare(self string) []Contender {
	all := []Contender{nothing{}}
	for _, p := range programs {
		all = append(all, external{p, bare})
		if p.doc[alike] != "" {
			all = append(all, external{p, alike})
		}
	}
	for _, l := range libraries {
		all = append(all, built{l, bare, self})
	}
	return append(all,
		triage{self, "triage", bare, "auto"}, triage{self, "triage-fast", bare, "fast"}, triage{self, "triage-standard", bare, "standard"})
}

// Nothing is the name of the contender that is no proxy.
const Nothing = "nothing"

// Names are the names of all of them.
func Names(all []Contender) (names []string) {
	for _, c := range all {
		names = append(names, c.Name())
	}
	return names
}

// Chosen are those of these names, in that order. "all" is all of them; a name alone is that contender in both configurations with
// a suffix "+".
func Chosen(self string, names []string) (chosen []Contender, err error) {
	all := All(self)
	for _, name := range names {
		before := len(chosen)
		for _, c := range all {
			base, both := strings.CutSuffix(name, "+")
			if name == "all" || c.Name() == name || both && strings.TrimSuffix(c.Name(), TunedSuffix) == base {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("peer %q: want some of all, %s, or one of them with + for both of its configurations", name, strings.Join(Names(all), ", "))
		}
	}
	for i, c := range chosen {
		if slices.ContainsFunc(chosen[:i], func(o Contender) bool { return o.Name() == c.Name() }) {
			return nil, fmt.Errorf("peer %q: given twice", c.Name())
		}
	}
	return chosen, nil
}

// nothing lets clients ask the backend.
type nothing struct{}

func (nothing) Name() string                   { return Nothing }
func (nothing) Doc() string                    { return "no proxy: the clients ask the backend" }
func (nothing) Tuned() bool                    { return false }
func (nothing) Absent() string                 { return "" }
func (nothing) Version(context.Context) string { return "" }
func (nothing) Config() string                 { return "" }

func (nothing) Start(_ context.Context, f facts.Facts) (*Running, error) {
	return &Running{URLs: f.Endpoints, Stop: func() error { return nil }}, nil
}
