package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"triage/bench/real"
	"triage/bench/record"
)

// runFlags is a command line of bench run.
type runFlags struct {
	choice                                choiceFlags
	seeds, again                          int
	target, admin, config, output, record string
	origin                                []string
	breakers                              bool
	// For a plain load test.
	ca       string
	insecure bool
}

func newBenchRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SCENARIO...",
		Short: "Run scenarios in real time through the real proxy, or against any target",
		Long: `Runs episodes of the simulator (triage bench sim --list) in real time, over sockets of this machine: a backend with the
episode's capacity and faults, Triage in front of it, and the same clients as in the simulation, every one at the same instant with
the same work. What they get is measured as the simulator measures, against the same oracle, and shown beside the simulation.

Without --target and -c, Triage is started with a configuration that names the episode's routes and their priorities. With -c it is
started with yours, with --target nothing is started; either has to cover the episode's routes (/checkout, /cart, …) and to have the
backend at the address of --origin.

A scenario may also be a file: FILE.yaml, or FILE.yaml:NAME for one of several in it (docs/benchmarking.md says how to write one, triage
bench check whether it is right). With --target alone, without --origin, any service is load-tested: nothing is known of it and nothing is
compared; the report shows what its clients got.`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := cmd.Flags()
	f.choice.add(cmd)
	flags.IntVar(&f.seeds, "seeds", 1, "scenarios drawn of each episode")
	flags.StringVar(&f.target, "target", "", "URL of a proxy that runs already")
	flags.StringVar(&f.ca, "ca", "", "file with the certificates of those whom a target's https is to be signed by (PEM)")
	flags.BoolVar(&f.insecure, "insecure", false, "believe whatever certificate a target shows")
	flags.StringVar(&f.admin, "admin", "", "URL of its admin API, if it is a Triage, for the measures of its limit")
	flags.StringVarP(&f.config, "config", "c", "", "configuration to start Triage with")
	flags.StringSliceVar(&f.origin, "origin", nil, "addresses of the backend, one for each endpoint; none: free ports of 127.0.0.1")
	flags.BoolVar(&f.breakers, "breakers", true, "leave the breakers of routes on in the real proxy")
	flags.IntVar(&f.again, "again", 0, "how often a run is made again in which the machine was measured, for many requests were late")
	flags.StringVar(&f.record, "record", "", "file for the record, written anew after every run; triage bench report makes a page of it")
	flags.StringVar(&f.output, "output", flagDefault("TRIAGE_OUTPUT", "text"), "text, json or markdown (TRIAGE_OUTPUT)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.target != "" && len(f.origin) == 0 {
			return f.plain(cmd, args)
		}
		trials, write, err := f.trials(args)
		if err != nil {
			return err
		}
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program: %w", err)
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		build := thisBuild()
		report := real.Report{
			Command: f.commandLine(args), Version: build.Version, Commit: build.Commit, Go: build.Go,
			Date: time.Now().UTC().Truncate(time.Second), Machine: record.ThisMachine(),
		}
		for _, t := range trials {
			run, runErr := f.runValid(ctx, t, program, cmd.ErrOrStderr())
			if run.Lines != nil {
				report.Runs = append(report.Runs, run)
				runErr = errors.Join(runErr, f.keep(report))
			}
			if runErr != nil {
				err = fmt.Errorf("%s, seed %d: %w", t.Episode, t.Number, runErr)
				break
			}
		}
		if len(report.Runs) > 0 {
			err = errors.Join(err, write(cmd.OutOrStdout(), report))
		}
		return err
	}
	return cmd
}

// commandLine is what would be typed to measure the same again.
func (f runFlags) commandLine(args []string) string {
	line := fmt.Sprintf("triage bench run %s --draw %s --seeds %d", strings.Join(args, " "), f.choice.draw, f.seeds)
	for _, flag := range [][2]string{{"target", f.target}, {"admin", f.admin}, {"config", f.config}, {"origin", strings.Join(f.origin, ",")}} {
		if flag[1] != "" {
			line += fmt.Sprintf(" --%s %s", flag[0], flag[1])
		}
	}
	if f.choice.scale != 0 {
		line += fmt.Sprintf(" --scale %g", f.choice.scale)
	}
	if f.choice.lasts != 0 {
		line += fmt.Sprintf(" --duration %v", f.choice.lasts)
	}
	if !f.breakers {
		line += " --breakers=false"
	}
	if f.again > 0 {
		line += fmt.Sprintf(" --again %d", f.again)
	}
	return line
}

// keep writes the record of what was run so far, in the place of the one before; if it is wanted.
func (f runFlags) keep(r real.Report) error {
	if f.record == "" {
		return nil
	}
	front := record.Peer{Name: "triage", Doc: "with a configuration that names the scenario's routes and classes", Version: r.Version}
	if f.target != "" {
		front = record.Peer{Name: f.target, Doc: "a proxy that ran already"}
	}
	if f.config != "" {
		text, err := os.ReadFile(f.config)
		if err != nil {
			return fmt.Errorf("keeping the configuration: %w", err)
		}
		front.Doc, front.Config = "with a configuration of one's own", string(text)
	}
	return record.Write(f.record, r.Record(front))
}

// trials turns the command line into what is run, and a way of writing. Whatever cannot be run is told before anything is.
func (f runFlags) trials(args []string) (trials []real.Trial, write func(io.Writer, real.Report) error, err error) {
	ways := map[string]func(io.Writer, real.Report) error{"text": real.WriteText, "json": real.WriteJSON, "markdown": real.WriteMarkdown}
	write = ways[f.output]
	own := f.target != "" || f.config != ""
	switch {
	case write == nil:
		return nil, nil, misuse("--output %q: want text, json or markdown", f.output)
	case f.seeds < 1 || f.seeds > 1000:
		return nil, nil, misuse("--seeds %d: want 1 to 1000", f.seeds)
	case f.again < 0 || f.again > 100:
		return nil, nil, misuse("--again %d: want 0 to 100", f.again)
	case f.target != "" && f.config != "":
		return nil, nil, misuse("--target and -c: want one of the two")
	case f.admin != "" && f.target == "":
		return nil, nil, misuse("--admin belongs to --target")
	case own && len(f.origin) == 0:
		return nil, nil, misuse("-c needs --origin: the address at which the proxy has its backend")
	case f.ca != "" || f.insecure:
		return nil, nil, misuse("--ca and --insecure are for --target without --origin")
	case own && !f.breakers:
		return nil, nil, misuse("--breakers=false is for the configuration that is made here")
	}
	episodes, err := f.choice.episodes(args)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range episodes {
		for seed := 1; seed <= f.seeds; seed++ {
			t, err := f.choice.trial(e, seed)
			if err == nil {
				err = real.CheckDescriptors(t)
			}
			if err != nil {
				return nil, nil, err
			}
			trials = append(trials, t)
		}
	}
	return trials, write, nil
}

// runValid runs a trial again, up to a number of times, as long as the machine was measured and not the proxy.
func (f runFlags) runValid(ctx context.Context, t real.Trial, program string, words io.Writer) (run real.Run, err error) {
	for again := 0; again <= f.again; again++ {
		run, err = f.run(ctx, t, program, words)
		run.Voided = again
		if err != nil || run.Valid() {
			break
		}
	}
	return run, err
}

// run runs one trial in both worlds, first in the real one, where mistakes show. Of one that was cut short it gives what was measured,
// with the error.
func (f runFlags) run(ctx context.Context, t real.Trial, program string, words io.Writer) (run real.Run, err error) {
	busy := record.LoadAverage()
	progress, over := progressTo(words, fmt.Sprintf("%s, seed %d", t.Episode, t.Number))
	defer over()
	seen, cut := real.Once(ctx, t, f.parts(t, program), progress)
	if seen.Result == nil {
		return run, cut
	}
	if seen.Cut { // its beginning in virtual time, although ctx is done
		ctx = context.WithoutCancel(ctx)
	}
	virtual, err := real.Simulate(ctx, seen.Scenario, t.Dice)
	if err != nil {
		return run, errors.Join(cut, err)
	}
	run, err = real.NewRun(t, seen, virtual, busy)
	return run, errors.Join(cut, err)
}

// parts are how the backend and what stands before it are started.
func (f runFlags) parts(t real.Trial, program string) real.Parts {
	args := originArgs(t, f.choice.lasts)
	for _, address := range f.origin {
		args = append(args, "--listen", address)
	}
	p := real.Parts{
		Backend: real.ChildBackend(program, args...),
		Front:   real.TriageFront{Program: program, Config: f.config, NoBreakers: !f.breakers}.Start,
	}
	if f.target != "" {
		p.Front = real.Target(f.target, f.admin)
	}
	return p
}
