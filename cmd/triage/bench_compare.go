package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"triage/bench/compare"
	"triage/bench/peer"
	"triage/bench/real"
	"triage/bench/record"
)

// compareFlags is a command line of bench compare.
type compareFlags struct {
	choice                       choiceFlags
	peers                        []string
	peak                         float64
	seeds, rounds, beside, again int
	record, output, write        string
	goOn                         bool
}

func newBenchCompare() *cobra.Command {
	f := compareFlags{}
	cmd := &cobra.Command{
		Use:   "compare EPISODE...",
		Short: "Measure Triage and other proxies in the same trouble, side by side",
		Long: `Runs episodes of the simulator (triage bench sim --list) in real time through one proxy after the other: the same users at the
same instants with the same work, a backend of its own for each, all judged against the same oracle. Each proxy is configured as its
own documentation advises, and a second time (-tuned) with what an operator could not know: which routes share a pool, and its size.

Rounds are interleaved. A run in which this machine was late is void and is made again (--again). The record is written after every
step; Ctrl-C ends with the tables of what was measured, and --continue goes on where a record ends.`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := cmd.Flags()
	f.choice.add(cmd)
	flags.StringSliceVar(&f.peers, "peers", []string{"all"}, "who: all, or names; NAME+ is both configurations of NAME ("+strings.Join(peer.Names(peer.All("")), ", ")+")")
	flags.Float64Var(&f.peak, "peak", 600, "make episodes small enough for so many requests a second; not with --scale")
	flags.IntVar(&f.seeds, "seeds", 1, "scenarios drawn of each episode")
	flags.IntVar(&f.rounds, "rounds", 1, "how often everything is measured")
	flags.IntVar(&f.beside, "beside", 1, "how many proxies run at the same time, each with its own backend")
	flags.IntVar(&f.again, "again", 2, "how often a run is made again in which the machine was late")
	flags.StringVar(&f.record, "record", "", "file for the record, written anew after every step; triage bench report makes a page of it")
	flags.BoolVar(&f.goOn, "continue", false, "go on with the record that --record names")
	flags.StringVar(&f.write, "write", "", "write the tables as PREFIX.md and PREFIX.json too")
	flags.StringVar(&f.output, "output", flagDefault("TRIAGE_OUTPUT", "text"), "text, json or markdown (TRIAGE_OUTPUT)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, write, err := f.settings(args, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		measured, err := compare.Run(ctx, settings)
		if len(measured.Runs) == 0 {
			return err
		}
		return errors.Join(err, write(cmd.OutOrStdout(), measured), f.files(measured))
	}
	return cmd
}

var compareWays = map[string]func(io.Writer, record.Record) error{
	"text": compare.WriteText, "json": compare.WriteJSON, "markdown": compare.WriteMarkdown,
}

// settings turns the command line into what is compared, and a way of writing. Whatever cannot be run is told before anything is.
func (f compareFlags) settings(args []string, words io.Writer) (s compare.Settings, write func(io.Writer, record.Record) error, err error) {
	write = compareWays[f.output]
	switch {
	case write == nil:
		return s, nil, misuse("--output %q: want text, json or markdown", f.output)
	case f.seeds < 1 || f.seeds > 1000:
		return s, nil, misuse("--seeds %d: want 1 to 1000", f.seeds)
	case f.rounds < 1 || f.rounds > 1000:
		return s, nil, misuse("--rounds %d: want 1 to 1000", f.rounds)
	case f.beside < 1 || f.beside > 16:
		return s, nil, misuse("--beside %d: want 1 to 16", f.beside)
	case f.again < 0 || f.again > 100:
		return s, nil, misuse("--again %d: want 0 to 100", f.again)
	case !(f.peak >= 10 && f.peak <= 1e6):
		return s, nil, misuse("--peak %v: want 10 to 1000000", f.peak)
	case f.goOn && f.record == "":
		return s, nil, misuse("--continue: want --record too, the record to go on with")
	}
	program, err := os.Executable()
	if err != nil {
		return s, nil, fmt.Errorf("finding this program: %w", err)
	}
	if s.Peers, err = peer.Chosen(program, f.peers); err != nil {
		return s, nil, misuse("--peers: %v", err)
	}
	if s.Trials, err = f.trials(args); err != nil {
		return s, nil, err
	}
	if s.Before, err = f.before(); err != nil {
		return s, nil, err
	}
	build := thisBuild()
	s.Record = record.Record{
		Kind: record.Compare, Command: f.commandLine(args), Begun: time.Now().UTC().Truncate(time.Second),
		Triage: record.Program{Version: build.Version, Commit: build.Commit, Go: build.Go}, Machine: record.ThisMachine(),
	}
	s.Rounds, s.Beside, s.Again, s.Keep, s.Progress = f.rounds, f.beside, f.again, f.keep, steps(words)
	s.Backend = func(ctx context.Context, t real.Trial) (real.Backend, error) {
		return real.ChildBackend(program, originArgs(t, f.choice.lasts)...)(ctx, t)
	}
	return s, write, nil
}

// trials are what is played to every peer.
func (f compareFlags) trials(args []string) (trials []real.Trial, err error) {
	episodes, err := f.choice.episodes(args)
	if err != nil {
		return nil, err
	}
	for _, e := range episodes {
		for seed := 1; seed <= f.seeds; seed++ {
			choice := f.choice
			if choice.scale == 0 {
				choice.scale = 1
				whole, err := choice.trial(e, seed)
				if err != nil {
					return nil, err
				}
				choice.scale = min(1, f.peak/whole.Scenario.Peak())
			}
			t, err := choice.trial(e, seed)
			if err == nil {
				err = real.CheckDescriptors(t)
			}
			if err != nil {
				return nil, err
			}
			trials = append(trials, t)
		}
	}
	return trials, nil
}

// before is the record to go on with. One that is there and is not gone on with is not written over.
func (f compareFlags) before() (*record.Record, error) {
	if f.record == "" {
		return nil, nil
	}
	if !f.goOn {
		if _, err := os.Stat(f.record); !errors.Is(err, fs.ErrNotExist) {
			return nil, misuse("--record %s: it is there already: want another name, or --continue to go on with it", f.record)
		}
		return nil, nil
	}
	r, err := record.Read(f.record)
	return &r, err
}

// keep writes the record, if it is wanted.
func (f compareFlags) keep(r record.Record) error {
	if f.record == "" {
		return nil
	}
	return record.Write(f.record, r)
}

// files writes the tables, if they are wanted.
func (f compareFlags) files(r record.Record) (err error) {
	if f.write == "" {
		return nil
	}
	for ending, way := range map[string]string{".md": "markdown", ".json": "json"} {
		var text bytes.Buffer
		err = errors.Join(err, compareWays[way](&text, r), os.WriteFile(f.write+ending, text.Bytes(), 0o644))
	}
	return err
}

// commandLine is what would be typed to measure the same again.
func (f compareFlags) commandLine(args []string) string {
	line := fmt.Sprintf("triage bench compare %s --peers %s --draw %s --seeds %d --rounds %d --beside %d --again %d",
		strings.Join(args, " "), strings.Join(f.peers, ","), f.choice.draw, f.seeds, f.rounds, f.beside, f.again)
	if f.choice.scale != 0 {
		line += fmt.Sprintf(" --scale %g", f.choice.scale)
	} else {
		line += fmt.Sprintf(" --peak %g", f.peak)
	}
	if f.choice.lasts != 0 {
		line += fmt.Sprintf(" --duration %v", f.choice.lasts)
	}
	return line
}

// steps writes a line for each step, with the time that is left if it goes on like this.
func steps(words io.Writer) func(compare.Progress) {
	begun, first := time.Now(), -1
	return func(p compare.Progress) {
		left := ""
		if first < 0 {
			first = p.Done
		}
		if made := p.Done - first; made > 0 {
			each := time.Since(begun) / time.Duration(made)
			left = fmt.Sprintf(", about %v left", (each * time.Duration(p.All-p.Done)).Round(time.Second))
		}
		again := ""
		if p.Again > 0 {
			again = fmt.Sprintf(", again (%d), for the machine was late", p.Again)
		}
		fmt.Fprintf(words, "%d of %d runs%s; round %d, %s, seed %d: %s%s\n", p.Done, p.All, left, p.Round, p.Scenario, p.Seed, strings.Join(p.Peers, ", "), again)
	}
}
