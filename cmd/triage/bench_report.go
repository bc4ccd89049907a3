package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"triage/bench/plot"
	"triage/bench/record"
)

func newBenchReport() *cobra.Command {
	var prefix, picture, small string
	var into []string
	cmd := &cobra.Command{
		Use:   "report RECORD...",
		Short: "Make a page with charts, tables and a picture of records",
		Long: `Reads records (files that --record wrote) and prints one page that needs nothing from elsewhere; with --write it writes the page, Markdown and
JSON beside each other. --picture writes a single drawing: peers below each other, scenarios beside each other.`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVar(&prefix, "write", "", "write PREFIX.html, PREFIX.md and PREFIX.json")
	cmd.Flags().StringVar(&small, "small", "", "write the record without percentiles and gauges of every second into this file, small enough to be committed")
	cmd.Flags().StringArrayVar(&into, "into", nil, "put tables into this file, between lines <!-- bench KIND: table --> (or full) and <!-- bench KIND: end -->")
	cmd.Flags().StringVar(&picture, "picture", "", "write a drawing of all scenarios into this SVG file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var sources []plot.Source
		for _, path := range args {
			s, err := plot.Open(path)
			if err != nil {
				return err
			}
			sources = append(sources, s)
		}
		p, err := plot.New(sources)
		if err != nil {
			return err
		}
		if prefix == "" && picture == "" && small == "" && into == nil {
			return plot.WriteHTML(cmd.OutOrStdout(), p)
		}
		words := cmd.ErrOrStderr()
		if prefix != "" {
			for _, file := range []struct {
				end   string
				write func(io.Writer, plot.Page) error
			}{{".html", plot.WriteHTML}, {".md", plot.WriteMarkdown}, {".json", plot.WriteJSON}} {
				if err := writePlot(words, prefix+file.end, p, file.write); err != nil {
					return err
				}
			}
		}
		if picture != "" {
			if err := writePlot(words, picture, p, plot.WritePicture); err != nil {
				return err
			}
		}
		for _, path := range into {
			if err := writeInto(words, path, p); err != nil {
				return err
			}
		}
		return writeSmall(words, small, sources)
	}
	return cmd
}

// writePlot writes one file, and says so.
func writePlot(words io.Writer, path string, p plot.Page, write func(io.Writer, plot.Page) error) error {
	var text bytes.Buffer
	if err := write(&text, p); err != nil {
		return err
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	fmt.Fprintf(words, "wrote %s (%d KiB)\n", path, (text.Len()+1023)/1024)
	return nil
}

// writeInto puts tables between a file's marks.
func writeInto(words io.Writer, path string, p plot.Page) error {
	before, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading what tables go into: %w", err)
	}
	after, err := plot.Into(string(before), p)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
		return fmt.Errorf("writing the tables: %w", err)
	}
	fmt.Fprintf(words, "wrote the tables into %s\n", path)
	return nil
}

// writeSmall writes what of a record is to be committed.
func writeSmall(words io.Writer, path string, sources []plot.Source) error {
	if path == "" {
		return nil
	}
	if len(sources) != 1 {
		return misuse("--small %s: there are %d records: want one", path, len(sources))
	}
	if err := record.Write(path, sources[0].Small()); err != nil {
		return err
	}
	fmt.Fprintf(words, "wrote %s\n", path)
	return nil
}
