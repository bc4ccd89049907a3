package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"triage/config"
)

func newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration: all problems at once, each with its place and what would be right",
		Args:  cobra.NoArgs,
	}
	path := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		loaded, err := loadConfig(*path)
		var problems config.Problems
		if err != nil && !errors.As(err, &problems) {
			return err
		}
		if asJSON {
			return checkJSON(cmd, loaded, problems)
		}
		if len(problems) > 0 {
			fmt.Fprintln(cmd.OutOrStdout(), problems.Error())
			fmt.Fprintf(cmd.ErrOrStderr(), "triage: %d problem(s) in %s\n", len(problems), *path)
			return errFailed
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is fine: %d routes, %d upstreams, hash %s\n", *path, len(loaded.File.Routes), len(loaded.File.Upstreams), loaded.Hash)
		return nil
	}
	return cmd
}

func checkJSON(cmd *cobra.Command, loaded *config.Loaded, problems config.Problems) error {
	type problem struct {
		File   string `json:"file"`
		Line   int    `json:"line"`
		Column int    `json:"column"`
		Path   string `json:"path"`
		What   string `json:"what"`
		Want   string `json:"want"`
	}
	report := struct {
		OK       bool      `json:"ok"`
		Hash     string    `json:"hash,omitempty"`
		Problems []problem `json:"problems"`
	}{OK: len(problems) == 0, Problems: []problem{}}
	if loaded != nil && report.OK {
		report.Hash = loaded.Hash
	}
	for _, p := range problems {
		report.Problems = append(report.Problems, problem(p))
	}
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(report); err != nil {
		return err
	}
	if !report.OK {
		return errFailed
	}
	return nil
}
