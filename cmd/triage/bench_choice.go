package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
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

// plain is the same for a service of which nothing is known: at the size that the scenario says.
func (c choiceFlags) plain(e sim.Episode, seed int) (real.Trial, error) {
	if c.scale == 0 {
		c.scale = 1
	}
	return real.NewTrial(e, real.Choice{Draw: sim.Draw(c.draw), Number: seed, Scale: c.scale, Lasts: c.lasts})
}

// zooEpisodes are the episodes of these names: of the simulator's zoo, or of a file somebody has written: FILE.yaml for all in it, or
// FILE.yaml:NAME.
func zooEpisodes(names []string) ([]sim.Episode, error) {
	zoo, err := sim.Zoo()
	if err != nil {
		return nil, fmt.Errorf("reading the episodes: %w", err)
	}
	if len(names) == 0 {
		return chosen("episode", names, zoo, func(e sim.Episode) string { return e.Name })
	}
	var all []sim.Episode
	for _, name := range names {
		from := zoo
		path, one, isFile := scenarioFile(name)
		if isFile {
			if from, err = sim.ReadFile(path); err != nil {
				return nil, err
			}
			name = one
		}
		if isFile && one == "" {
			all = append(all, from...)
			continue
		}
		picked, err := chosen("episode", []string{name}, from, func(e sim.Episode) string { return e.Name })
		if err != nil {
			return nil, err
		}
		all = append(all, picked...)
	}
	return slices.CompactFunc(all, func(a, b sim.Episode) bool { return a.Name == b.Name }), nil
}

// scenarioFile takes FILE.yaml and FILE.yaml:NAME apart.
func scenarioFile(arg string) (path, one string, isFile bool) {
	for _, end := range []string{".yaml", ".yml"} {
		if strings.HasSuffix(arg, end) {
			return arg, "", true
		}
		if at := strings.LastIndex(arg, end+":"); at >= 0 {
			return arg[:at+len(end)], arg[at+len(end)+1:], true
		}
	}
	return "", "", false
}

// reference is how an episode is named on a command line.
func reference(source, name string) string {
	if source == "" {
		return name
	}
	return source + ":" + name
}

// listScenarios prints the catalogue.
func listScenarios(to io.Writer) error {
	zoo, err := sim.Zoo()
	if err != nil {
		return fmt.Errorf("reading the episodes: %w", err)
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	listEpisodes(w, zoo)
	return w.Flush()
}

func listEpisodes(w io.Writer, all []sim.Episode) {
	fmt.Fprintln(w, "EPISODE\tWHAT HAPPENS")
	for _, e := range all {
		fmt.Fprintf(w, "%s\t%s\n", e.Name, strings.TrimSpace(e.Doc))
	}
}

// checkScenarios says what a file has in it, or what is wrong with it.
func checkScenarios(path string) (says string, err error) {
	all, err := sim.ReadFile(path)
	if err != nil {
		return err.Error() + "\n", err
	}
	for _, e := range all {
		sc, err := e.Scenario(sim.Judging, 1)
		if err != nil {
			return err.Error() + "\n", err
		}
		says += fmt.Sprintf("%s: %s is fine: %v, at most about %.0f requests a second", path, e.Name, sc.Lasts().Round(time.Millisecond), sc.Peak())
		if sc.Plain {
			says += "; nothing is said of a backend, so it is for --target alone"
		}
		says += "\n"
	}
	return says, nil
}
