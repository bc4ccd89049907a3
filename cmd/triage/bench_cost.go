package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"triage/bench/cost"
	"triage/bench/peer"
	"triage/bench/record"
)

// costFlags is a command line of bench cost.
type costFlags struct {
	settings      cost.Settings
	with          []string
	output, write string
}

func newBenchCost() *cobra.Command {
	var f costFlags
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Measure what a request costs, beside other proxies",
		Long: `Measures processor time a request, latency that is added, memory a connection, what a refusal costs, and how these grow with
routes, clients, connections and bodies: of Triage with every policy on, and of other proxies without any, each alone on a core, in
interleaved rounds. nginx-alike is nginx with the duties of Triage that it knows. Ratios are taken to nginx and to HAProxy.

Everything takes about twenty minutes on two cores; --only, --rounds and --peers make it shorter. Ctrl-C ends it with what was
measured. --write keeps parts that were measured before and not now.`,
		Args: cobra.NoArgs,
	}
	flags, s := cmd.Flags(), &f.settings
	flags.StringSliceVar(&s.Peers, "peers", nil, "who is measured, of "+strings.Join(peer.Names(peer.Bare("")), ", ")+
		" (default: all but triage-fast; nginx-alike, failsafe, gobreaker and gozero in cpu, latency and refusal)")
	flags.StringSliceVar(&s.Parts, "only", cost.PartNames(), "what is measured")
	flags.IntVar(&s.Rounds, "rounds", 5, "rounds; of what grows there are half as many")
	flags.DurationVar(&s.Each, "each", 600*time.Millisecond, "how long each value is measured")
	flags.IntSliceVar(&s.Connections, "connections", []int{8, 64, 256, 1024}, "connections of the closed loop")
	flags.IntSliceVar(&s.Routes, "routes", []int{10, 100, 1000, 10_000}, "numbers of routes")
	flags.IntSliceVar(&s.Clients, "clients", []int{10, 1000, 100_000}, "numbers of clients, told apart by X-Forwarded-For")
	flags.IntSliceVar(&s.Open, "open", []int{10, 100, 1000, 10_000}, "numbers of connections that are idle, and that are busy")
	flags.Int64SliceVar(&s.Bodies, "bodies", []int64{0, 1 << 10, 64 << 10, 1 << 20, 100_000_000, 1 << 30}, "sizes of bodies in bytes; from 1 GiB on with the memory that it takes")
	flags.StringSliceVar(&f.with, "with", nil, "wrk: measure cpu with wrk as the client too")
	flags.StringVar(&f.output, "output", flagDefault("TRIAGE_OUTPUT", "text"), "text, json or markdown (TRIAGE_OUTPUT)")
	flags.StringVar(&f.write, "write", "", "write PREFIX.json, the record, and PREFIX.md after every turn")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ways := map[string]func(io.Writer, record.Record) error{"text": cost.WriteText, "json": record.Encode, "markdown": cost.WriteMarkdown}
		show := ways[f.output]
		if show == nil {
			return misuse("--output %q: want text, json or markdown", f.output)
		}
		for _, w := range f.with {
			if w != "wrk" {
				return misuse("--with %q: want wrk", w)
			}
			s.Wrk = true
		}
		if err := s.Check(); err != nil {
			return misuse("%v", err)
		}
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program: %w", err)
		}
		s.Program, s.Say = program, costProgress(cmd.ErrOrStderr())
		return f.measure(cmd, show)
	}
	return cmd
}

// measure measures, keeps and shows.
func (f costFlags) measure(cmd *cobra.Command, show func(io.Writer, record.Record) error) error {
	before, err := f.before()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	line, build := commandLine(cmd), thisBuild()
	whole := func(r record.Record) (record.Record, error) {
		r.Command, r.Triage = line, record.Program{Version: build.Version, Commit: build.Commit, Go: build.Go}
		if before == nil {
			return r, nil
		}
		return cost.Merge(r, *before)
	}
	keep := func(r record.Record) error {
		if f.write == "" {
			return nil
		}
		r, err := whole(r)
		if err != nil {
			return err
		}
		return writeCost(f.write, r)
	}
	r, err := cost.Run(ctx, f.settings, keep)
	if colourful(cmd.ErrOrStderr()) {
		fmt.Fprintln(cmd.ErrOrStderr())
	}
	if len(r.Runs) == 0 {
		return err
	}
	if err2 := keep(r); err2 != nil && !errors.Is(err, err2) {
		err = errors.Join(err, err2)
	}
	r.Command = line
	r.Triage = record.Program{Version: build.Version, Commit: build.Commit, Go: build.Go}
	return errors.Join(err, show(cmd.OutOrStdout(), r))
}

// before is the record that --write would add to; nil if there is none.
func (f costFlags) before() (*record.Record, error) {
	if f.write == "" {
		return nil, nil
	}
	if _, err := os.Stat(f.write + ".json"); os.IsNotExist(err) {
		return nil, nil
	}
	r, err := record.Read(f.write + ".json")
	return &r, err
}

func writeCost(prefix string, r record.Record) error {
	if err := record.Write(prefix+".json", r); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := cost.WriteMarkdown(&page, r); err != nil {
		return err
	}
	if err := os.WriteFile(prefix+".md", page.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the tables: %w", err)
	}
	return nil
}

// commandLine is what would be typed to measure the same again, without where it went.
func commandLine(cmd *cobra.Command) string {
	line := []string{cmd.CommandPath()}
	for _, name := range []string{"peers", "only", "rounds", "each", "connections", "routes", "clients", "open", "bodies", "with"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			line = append(line, "--"+name, strings.Trim(flag.Value.String(), "[]"))
		}
	}
	return strings.Join(line, " ")
}

// costProgress says on a terminal where the measurement is.
func costProgress(words io.Writer) func(cost.Progress) {
	if !colourful(words) {
		return nil
	}
	begun := time.Now()
	return func(p cost.Progress) {
		left := "?"
		if p.Share > 0.02 {
			left = (time.Duration(float64(time.Since(begun)) * (1 - p.Share) / p.Share)).Round(time.Second).String()
		}
		fmt.Fprintf(words, "\r%s, round %d of %d: %s, %s left      ", p.Part, p.Round, p.Rounds, p.Peer, left)
	}
}
