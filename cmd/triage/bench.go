package main

import "github.com/spf13/cobra"

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure whether Triage helps, how much, and against whom",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBenchRun(), newBenchScenarios(), newBenchCheck(), newBenchSim(), newBenchPage(), newBenchOrigin(), newBenchDiff(), newBenchReport())
	cmd.AddCommand(newBenchCost(), newBenchCompare(), newBenchPeer(), newBenchVerdicts())
	return cmd
}
