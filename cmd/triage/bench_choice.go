package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"triage/bench/real"
	"triage/bench/sim"
)

// choiceFlags say which scenarios are drawn of an episode, and how they are changed.
type choiceFlags struct {
	draw  string
	scale float64
	lasts time.Duration
}

func (c *choiceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.draw, "draw", string(sim.Judging), "which scenarios: judging, or development, on which the law may be tuned")
	flags.Float64Var(&c.scale, "scale", 0, "size of backend and crowd against the drawn ones; 0 keeps it below about 1,500 requests a second")
	flags.DurationVar(&c.lasts, "duration", 0, "how long the phases of an episode take together; 0 is as long as they are")
}

func (c choiceFlags) episodes(names []string) ([]sim.Episode, error) {
	switch {
	case c.draw != string(sim.Judging) && c.draw != string(sim.Development):
		return nil, misuse("--draw %q: want judging or development", c.draw)
	case !(c.scale >= 0 && c.scale <= 100):
		return nil, misuse("--scale %v: want 0 to 100", c.scale)
	case c.lasts != 0 && (c.lasts < time.Second || c.lasts > 2*time.Hour):
		return nil, misuse("--duration %v: want 1s to 2h", c.lasts)
	}
	return zooEpisodes(names)
}

func (c choiceFlags) trial(e sim.Episode, seed int) (real.Trial, error) {
	if seed < 1 || seed > 1000 {
		return real.Trial{}, misuse("seed %d: want 1 to 1000", seed)
	}
	t, err := real.NewTrial(e, real.Choice{Draw: sim.Draw(c.draw), Number: seed, Scale: c.scale, Lasts: c.lasts})
	if err == nil {
		err = t.Carry()
	}
	return t, err
}

// zooEpisodes are the simulator's episodes of these names.
func zooEpisodes(names []string) ([]sim.Episode, error) {
	zoo, err := sim.Zoo()
	if err != nil {
		return nil, fmt.Errorf("reading the episodes: %w", err)
	}
	return chosen("episode", names, zoo, func(e sim.Episode) string { return e.Name })
}
