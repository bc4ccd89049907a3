package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"triage/bench/real"
	"triage/bench/record"
)

// plain runs scenarios against a target of which nothing is known.
func (f runFlags) plain(cmd *cobra.Command, args []string) error {
	trials, write, err := f.plainTrials(args)
	if err != nil {
		return err
	}
	trust, err := f.trust()
	if err != nil {
		return err
	}
	asked := real.Plain{Target: f.target, TLS: trust}
	for _, t := range trials {
		if err := asked.Check(t); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var all []real.Got
	for _, t := range trials {
		got, runErr := f.plainRun(ctx, asked, t, cmd.ErrOrStderr())
		if got.Clients.Elapsed > 0 {
			all = append(all, got)
			runErr = errors.Join(runErr, f.keepPlain(args, all))
		}
		if runErr != nil {
			err = fmt.Errorf("%s, seed %d: %w", t.Episode, t.Number, runErr)
			break
		}
	}
	if len(all) > 0 {
		err = errors.Join(err, write(cmd.OutOrStdout(), all))
	}
	return err
}

func (f runFlags) plainRun(ctx context.Context, asked real.Plain, t real.Trial, words io.Writer) (real.Got, error) {
	progress, over := progressTo(words, fmt.Sprintf("%s, seed %d", t.Episode, t.Number))
	defer over()
	return asked.Run(ctx, t, progress)
}

func (f runFlags) plainTrials(args []string) (trials []real.Trial, write func(io.Writer, []real.Got) error, err error) {
	write = map[string]func(io.Writer, []real.Got) error{
		"text": real.WritePlainText, "json": real.WritePlainJSON, "markdown": real.WritePlainMarkdown,
	}[f.output]
	switch {
	case write == nil:
		return nil, nil, misuse("--output %q: want text, json or markdown", f.output)
	case f.seeds < 1 || f.seeds > 1000:
		return nil, nil, misuse("--seeds %d: want 1 to 1000", f.seeds)
	case f.config != "":
		return nil, nil, misuse("--target and -c: want one of the two")
	case f.admin != "" || !f.breakers || f.again != 0:
		return nil, nil, misuse("--admin, --breakers and --again are for a proxy whose backend is known; want --origin too")
	}
	episodes, err := f.choice.episodes(args)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range episodes {
		for seed := 1; seed <= f.seeds; seed++ {
			t, err := f.choice.plain(e, seed)
			if err != nil {
				return nil, nil, err
			}
			trials = append(trials, t)
		}
	}
	return trials, write, nil
}

// trust is whose certificates are believed.
func (f runFlags) trust() (*tls.Config, error) {
	c := &tls.Config{InsecureSkipVerify: f.insecure}
	if f.ca == "" {
		return c, nil
	}
	text, err := os.ReadFile(f.ca)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates of --ca: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca %s: there is no certificate in it; want PEM", f.ca)
	}
	return c, nil
}

// keepPlain writes the record of what was run so far, if it is wanted.
func (f runFlags) keepPlain(args []string, all []real.Got) error {
	if f.record == "" {
		return nil
	}
	b := thisBuild()
	r, err := real.PlainRecord(f.commandLine(args), record.Program{Version: b.Version, Commit: b.Commit, Go: b.Go}, all)
	if err != nil {
		return err
	}
	return record.Write(f.record, r)
}

// saidEvery is how often progress is told where there is no terminal.
const saidEvery = 10 * time.Second

// progressTo tells how far a run has come: on a terminal a line that is written over, elsewhere a line now and then. over ends it.
func progressTo(words io.Writer, what string) (progress func(real.Progress), over func()) {
	said, terminal := time.Now(), colourful(words)
	progress = func(p real.Progress) {
		line := fmt.Sprintf("%s: %s, %.0f s left, %d under way, %d sent late", what, p.Phase, p.Left.Seconds(), p.InFlight, p.Late)
		switch {
		case terminal:
			fmt.Fprintf(words, "\r%s   ", line)
		case time.Since(said) >= saidEvery:
			said = time.Now()
			fmt.Fprintln(words, line)
		}
	}
	over = func() {
		if terminal {
			fmt.Fprintln(words)
		}
	}
	return progress, over
}

func newBenchScenarios() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scenarios",
		Short: "List the built-in scenarios, which bench run and bench sim both know",
		Args:  cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return listScenarios(cmd.OutOrStdout()) }
	return cmd
}

func newBenchCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check FILE.yaml...",
		Short: "Check scenarios: all problems at once, each with its place and what would be right",
		Args:  cobra.MinimumNArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		bad := 0
		for _, path := range args {
			says, err := checkScenarios(path)
			if fmt.Fprint(cmd.OutOrStdout(), says); err != nil {
				bad++
			}
		}
		if bad > 0 {
			return fmt.Errorf("%d of %d files cannot be run", bad, len(args))
		}
		return nil
	}
	return cmd
}
