package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"triage/bench/sim"
	"triage/bench/sim/peer"
)

// simPolicies are the policies that the simulator knows by name.
func simPolicies() []sim.Named {
	policies := []sim.Named{{Name: "law", Doc: "Triage: the code of package shed", New: sim.NewLaw}}
	for _, p := range peer.All() {
		policies = append(policies, sim.Named{Name: p.Name, Doc: p.Doc, New: func(f sim.Facts) (sim.Policy, error) {
			s := peer.Settings{Classes: f.Classes, Seed: f.Seed, Hand: f.Hand}
			for _, r := range f.Routes {
				s.Routes = append(s.Routes, peer.RouteInfo{Name: r.Name, Class: r.Class})
			}
			return p.New(s), nil
		}})
	}
	return policies
}

// simFlags is a command line of bench sim.
type simFlags struct {
	all, list bool
	policies  []string
	seeds     int
	draw      string
	output    string
	write     string
	commit    string
	jobs      int
}

func newBenchSim() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sim [EPISODE...]",
		Short: "Run episodes in virtual time against an oracle: the law, and others",
		Long: `Runs episodes of trouble in a simulated backend, with the real control law or with another policy, and compares
with an oracle that knows the backend's capacity at every moment. Each seed draws a scenario of its own out of the episode's
ranges. A "!" stands before what misses its goal.`,
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "run every episode")
	flags.BoolVar(&f.list, "list", false, "list the episodes and the policies")
	flags.StringSliceVar(&f.policies, "policy", []string{"law"}, "policies, separated by commas")
	flags.IntVar(&f.seeds, "seeds", 5, "scenarios drawn of each episode")
	flags.StringVar(&f.draw, "draw", string(sim.Judging), "which scenarios: judging, or development, on which the law may be tuned")
	flags.StringVar(&f.output, "output", flagDefault("TRIAGE_OUTPUT", "text"), "text, json, markdown, summary (of the tables) or html (TRIAGE_OUTPUT)")
	flags.StringVar(&f.write, "write", "", "write PREFIX.json, PREFIX.html and PREFIX.md instead")
	flags.StringVar(&f.commit, "commit", "", "commit to put into the results, where the program does not know its own")
	flags.IntVar(&f.jobs, "jobs", 2, "scenarios at the same time")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		zoo, err := sim.Zoo()
		if err != nil {
			return fmt.Errorf("reading the episodes: %w", err)
		}
		if f.list {
			return listSim(cmd.OutOrStdout(), zoo)
		}
		bench, write, err := f.bench(zoo, args)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		if words := cmd.ErrOrStderr(); colourful(words) {
			bench.Progress = func(done, of int) { fmt.Fprintf(words, "\r%d of %d ", done, of) }
			defer fmt.Fprintln(words)
		}
		records, err := bench.Run(ctx)
		if err != nil {
			return fmt.Errorf("running the simulator: %w", err)
		}
		d := f.sign(bench.Document(records), args)
		if f.write != "" {
			return writeSim(f.write, d, cmd.ErrOrStderr())
		}
		return write(cmd.OutOrStdout(), d)
	}
	return cmd
}

// bench turns the command line into a bench and a way of writing.
func (f simFlags) bench(zoo []sim.Episode, args []string) (b sim.Bench, write func(io.Writer, sim.Document) error, err error) {
	b = sim.Bench{Draw: sim.Draw(f.draw), Seeds: f.seeds, Jobs: f.jobs, Course: "law"}
	switch {
	case f.seeds < 1 || f.seeds > 1000:
		return b, nil, misuse("--seeds %d: want 1 to 1000", f.seeds)
	case f.jobs < 1 || f.jobs > 256:
		return b, nil, misuse("--jobs %d: want 1 to 256", f.jobs)
	case b.Draw != sim.Judging && b.Draw != sim.Development:
		return b, nil, misuse("--draw %q: want judging or development", f.draw)
	case f.all && len(args) > 0:
		return b, nil, misuse("--all and names of episodes: want one of the two")
	case !f.all && len(args) == 0:
		return b, nil, misuse("want names of episodes or --all; --list shows them")
	}
	if write = simWays()[f.output]; write == nil {
		return b, nil, misuse("--output %q: want text, json, markdown, summary or html", f.output)
	}
	b.Episodes = zoo
	if !f.all {
		b.Episodes, err = chosen("episode", args, zoo, func(e sim.Episode) string { return e.Name })
	}
	if err == nil {
		b.Policies, err = chosen("policy", f.policies, simPolicies(), func(p sim.Named) string { return p.Name })
	}
	return b, write, err
}

// chosen picks by name, each once, in the order of the names.
func chosen[T any](what string, names []string, from []T, name func(T) string) (picked []T, err error) {
	var seen []string
	for _, wanted := range names {
		i := slices.IndexFunc(from, func(v T) bool { return name(v) == wanted })
		if i < 0 {
			return nil, misuse("%s %q: there is none of that name; --list shows them", what, wanted)
		}
		if !slices.Contains(seen, wanted) {
			picked, seen = append(picked, from[i]), append(seen, wanted)
		}
	}
	return picked, nil
}

func listSim(to io.Writer, zoo []sim.Episode) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	listEpisodes(w, zoo)
	fmt.Fprintln(w, "\t\nPOLICY\t")
	for _, p := range simPolicies() {
		fmt.Fprintf(w, "%s\t%s\n", p.Name, p.Doc)
	}
	return w.Flush()
}
