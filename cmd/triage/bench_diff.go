package main

import (
	"github.com/spf13/cobra"

	"triage/bench/diff"
	"triage/bench/record"
)

func newBenchDiff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Say what is different between two records, and whether it is more than noise",
		Long: `Compares two records (files that --record wrote) of the same scenarios: for each peer and measure the medians, the difference, and
whether chance alone would explain it (a permutation test within each drawn scenario). With a single run on each side noise cannot be
known; then the difference stands beside the margin that the harness states of itself.`,
		Args: cobra.ExactArgs(2),
	}
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		var both [2]record.Record
		for i, path := range args {
			if both[i], err = record.Read(path); err != nil {
				return err
			}
		}
		d, err := diff.New(both[0], both[1])
		if err != nil {
			return err
		}
		if asJSON {
			return diff.WriteJSON(cmd.OutOrStdout(), d)
		}
		return diff.WriteText(cmd.OutOrStdout(), d)
	}
	return cmd
}
