package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"triage/bench/origin"
	"triage/bench/real"
)

// originFlags is a command line of bench origin.
type originFlags struct {
	choice   choiceFlags
	seed     int
	listen   []string
	control  string
	untilEOF bool
}

func newBenchOrigin() *cobra.Command {
	var f originFlags
	cmd := &cobra.Command{
		Use:   "origin EPISODE",
		Short: "Serve as the backend of an episode: limited capacity, faults at their time",
		Long: `Serves as the backend that an episode of the simulator has: its routes at /NAME, its pools, its service times. It prints its
addresses as one line of JSON and serves until it is told to stop. Faults come and go by the episode's phases, from the
instant on that the control is told: POST /begin {"unix_ns": N}. PUT /faults sets faults by hand, GET /truth gives
what the backend itself counts.`,
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	f.choice.add(cmd)
	flags.IntVar(&f.seed, "seed", 1, "which scenario of the draw")
	flags.StringSliceVar(&f.listen, "listen", nil, "addresses, one for each endpoint of the episode; none: free ports of 127.0.0.1")
	flags.StringVar(&f.control, "control", "127.0.0.1:0", "address of the control, on this machine")
	flags.BoolVar(&f.untilEOF, "until-eof", false, "end when standard input does")
	_ = flags.MarkHidden("until-eof")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		episodes, err := f.choice.episodes(args)
		if err != nil {
			return err
		}
		trial, err := f.choice.trial(episodes[0], f.seed)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if f.untilEOF {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			go func() {
				_, _ = io.Copy(io.Discard, cmd.InOrStdin())
				cancel()
			}()
		}
		return f.serve(ctx, trial, cmd.OutOrStdout())
	}
	return cmd
}

// originArgs make this program the backend of a trial; lasts is how its phases were stretched.
func originArgs(t real.Trial, lasts time.Duration) []string {
	return []string{
		"bench", "origin", reference(t.Source, t.Episode), "--until-eof", "--draw", string(t.Draw), "--seed", strconv.Itoa(t.Number),
		"--scale", strconv.FormatFloat(t.Scale, 'g', -1, 64), "--duration", lasts.String(),
	}
}

// serve opens all addresses, says which they are, and serves until ctx is done.
func (f originFlags) serve(ctx context.Context, trial real.Trial, out io.Writer) error {
	settings, script := trial.Backend()
	if len(f.listen) == 0 {
		f.listen = make([]string, settings.Endpoints)
	}
	if len(f.listen) != settings.Endpoints {
		return misuse("--listen: %d addresses; %s has %d endpoints", len(f.listen), trial.Episode, settings.Endpoints)
	}
	o, err := origin.New(settings)
	if err != nil {
		return err
	}
	control, err := origin.ListenControl(f.control, o, script)
	if err != nil {
		return err
	}
	servers := []*origin.Server{control}
	defer func() {
		for _, s := range servers {
			s.Close()
		}
	}()
	says := real.Backend{Control: control.URL()}
	for i, address := range f.listen {
		s, err := origin.ListenEndpoint(address, o, i)
		if err != nil {
			return err
		}
		servers, says.Endpoints = append(servers, s), append(says.Endpoints, s.URL())
	}
	if err := json.NewEncoder(out).Encode(says); err != nil {
		return fmt.Errorf("saying where the backend is: %w", err)
	}
	return serveAll(ctx, servers)
}

// serveAll runs servers until ctx is done or one of them fails.
func serveAll(ctx context.Context, servers []*origin.Server) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make([]error, len(servers))
	var running sync.WaitGroup
	for i, s := range servers {
		running.Go(func() {
			failed[i] = s.Run(ctx)
			stop()
		})
	}
	running.Wait()
	return errors.Join(failed...)
}
