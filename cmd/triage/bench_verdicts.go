package main

import (
	"encoding/json"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"triage/bench/sim"
	"triage/bench/sim/isolate"
)

func newBenchVerdicts() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verdicts [EPISODE...]",
		Short: "Say where the failure is in every simulated episode, and whether that is right",
		Long: `Runs the simulator's episodes with the real law and lets the real isolator look on, as it does in the proxy. Prints the confusion
matrix of what is true and what was said, and every verdict that was wrong. Without names, all episodes.`,
	}
	draw := cmd.Flags().String("draw", string(sim.Judging), "which scenarios: judging, or development, on which the isolator may be tuned")
	seeds := cmd.Flags().Int("seeds", 5, "scenarios drawn of each episode")
	jobs := cmd.Flags().Int("jobs", 2, "scenarios at the same time")
	pairs := cmd.Flags().Bool("paired", false, "judge the estimates of what would have happened without protection instead, against runs without it")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		switch {
		case *draw != string(sim.Judging) && *draw != string(sim.Development):
			return misuse("--draw %q: want judging or development", *draw)
		case *seeds < 1 || *seeds > 1000:
			return misuse("--seeds %d: want 1 to 1000", *seeds)
		case *jobs < 1 || *jobs > 256:
			return misuse("--jobs %d: want 1 to 256", *jobs)
		}
		episodes, err := sim.Zoo()
		if err == nil && len(names) > 0 {
			episodes, err = zooEpisodes(names)
		}
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		settings := isolate.Settings{Episodes: episodes, Draw: sim.Draw(*draw), Seeds: *seeds, Jobs: *jobs}
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		if *pairs {
			found, err := isolate.Paired(ctx, settings)
			switch {
			case err != nil:
				return err
			case asJSON:
				return encoder.Encode(found)
			}
			return isolate.WritePairs(cmd.OutOrStdout(), found)
		}
		report, err := isolate.Run(ctx, settings)
		switch {
		case err != nil:
			return err
		case asJSON:
			return encoder.Encode(report)
		}
		return report.WriteText(cmd.OutOrStdout())
	}
	return cmd
}
