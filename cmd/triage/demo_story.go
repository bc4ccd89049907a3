package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// say puts a step down.
func (d *incidentDemo) say(format string, args ...any) {
	line := fmt.Sprintf("%5.1fs  ", time.Since(d.began).Seconds()) + fmt.Sprintf(format, args...)
	d.report.Steps = append(d.report.Steps, line)
	fmt.Fprintln(d.out, line)
}

// watch tells of what the customers and the database do.
func (d *incidentDemo) watch() {
	for words := []string{
		fmt.Sprintf("calm: customers come to a shop of six routes on one backend; checkout is critical (%.0f s of it first)", incidentPhases()[0].For.Seconds()),
		fmt.Sprintf("a flash crowd: %d times as many customers", demoCrowd),
		fmt.Sprintf("and now the database takes %d times as long", demoSlow),
		"the crowd has left, and the database is fast again",
	}; d.phase <= d.load.Snapshot().Phase && d.phase < len(words); d.phase++ {
		d.say("* %s", words[d.phase])
	}
}

// word prints the flash update.
func (d *incidentDemo) word(ctx context.Context) error {
	text, err := d.api.get(ctx, "/api/v1/incident/update")
	if err != nil {
		return err
	}
	d.report.Update = string(text)
	d.say("cleo tells the others:")
	for line := range strings.Lines(string(text)) {
		fmt.Fprint(d.out, "        | "+line)
	}
	return nil
}
