package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"triage/bench/plot"
)

func newBenchReport() *cobra.Command {
	var prefix, picture string
	cmd := &cobra.Command{
		Use:   "report RECORD...",
		Short: "Make a page with charts, tables and a picture of records",
		Long: `Reads records (files that --record wrote) and prints one page that needs nothing from elsewhere; with --write it writes the page, Markdown and
JSON beside each other. --picture writes a single drawing: peers below each other, scenarios beside each other.`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVar(&prefix, "write", "", "write PREFIX.html, PREFIX.md and PREFIX.json")
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
		if prefix == "" && picture == "" {
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
			return writePlot(words, picture, p, plot.WritePicture)
		}
		return nil
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
