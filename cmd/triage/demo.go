package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"triage/bench/load"
	"triage/bench/origin"
	"triage/config"
)

//go:embed demo.yaml
var demoConfig string

const demoShortest = 8 * time.Second

func newDemo() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch checkout survive a Black Friday: a shop, Triage, customers, all in this process",
		Long: `A shop whose checkout, cart, recommendations and reviews share one database, Triage in front of it, and
customers who do not wait for answers before more of them come: calm, flash crowd, slow database, recovery.
The same customers visit an equal shop without Triage, so that the difference is seen.`,
		Args: cobra.NoArgs,
	}
	lasts := cmd.Flags().Duration("duration", time.Minute, "how long it takes, at least 8s")
	run := cmd.Flags().Bool("incident", false, "run the incident as well: roles, verdict, a lever, word to others, the report; about a minute and a half")
	seed := cmd.Flags().Uint64("seed", 1, "draws the customers and the service times")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if *run {
			if cmd.Flags().Changed("duration") {
				return misuse("--incident and --duration: want one of the two")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return runIncidentDemo(ctx, *seed, cmd.OutOrStdout(), cmd.ErrOrStderr(), asJSON)
		}
		if *lasts < demoShortest {
			return misuse("--duration %v: want %v at least, the law has to see a calm first", *lasts, demoShortest)
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		d, err := newDemonstration(*seed, *lasts)
		if err != nil {
			return err
		}
		show := newDemoView(d, cmd.OutOrStdout(), cmd.ErrOrStderr(), asJSON)
		if err := d.run(ctx, show.update); err != nil {
			return err
		}
		if asJSON {
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			return encoder.Encode(d.report())
		}
		show.end()
		return nil
	}
	return cmd
}

// demonstration is two equal shops with equal customers, one with Triage in front.
type demonstration struct {
	lasts     time.Duration
	triage    *server
	shops     [2]*origin.Server
	protected *load.Generator
	bare      *load.Generator
}

func newDemonstration(seed uint64, lasts time.Duration) (_ *demonstration, err error) {
	d := &demonstration{lasts: lasts}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	var origins [2]*origin.Origin
	for i := range origins {
		if origins[i], d.shops[i], err = newShop(seed); err != nil {
			return nil, err
		}
	}
	text := strings.ReplaceAll(demoConfig, "SHOP", d.shops[0].URL())
	d.triage, err = newServer(options{
		path: "demo.yaml", logger: slog.New(slog.DiscardHandler), stdout: os.Stdout,
		source: func() (*config.Loaded, error) { return config.Parse("demo.yaml", []byte(text)) },
	})
	if err != nil {
		return nil, err
	}
	if d.protected, err = newCustomers(seed, "http://"+d.triage.addresses()[0], lasts, origins[0]); err != nil {
		return nil, err
	}
	d.bare, err = newCustomers(seed, d.shops[1].URL(), lasts, origins[1])
	return d, err
}

// close gives back what was bound but never run.
func (d *demonstration) close() {
	for _, s := range d.shops {
		if s != nil {
			s.Close()
		}
	}
	if d.triage != nil {
		d.triage.closeAll()
	}
}

// run lets the customers in, calls update twice a second, and closes the shops when the last customer has left.
func (d *demonstration) run(ctx context.Context, update func()) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var shops sync.WaitGroup
	for _, s := range d.shops {
		shops.Go(func() { s.Run(running) })
	}
	shops.Go(func() { d.triage.Run(running) })

	var customers sync.WaitGroup
	var failed [2]error
	customers.Go(func() { failed[0] = d.protected.Run(ctx) })
	customers.Go(func() { failed[1] = d.bare.Run(ctx) })
	done := make(chan struct{})
	go func() { customers.Wait(); close(done) }()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		case <-ticker.C:
		}
		update()
	}
	stop()
	shops.Wait()
	if errors.Is(failed[0], context.Canceled) || errors.Is(failed[1], context.Canceled) {
		return errors.New("interrupted")
	}
	return errors.Join(failed[:]...)
}

// demoReport is what --output json prints.
type demoReport struct {
	Classes     map[string]demoClass `json:"classes"`
	Unprotected map[string]demoClass `json:"unprotected"`
	Phases      []demoPhase          `json:"phases"`
	Seconds     float64              `json:"seconds"`
	// LateSends counts requests that this machine sent more than 5 ms late: if they are many, it measured itself.
	LateSends uint64 `json:"late_sends"`
}

type demoClass struct {
	Offered  uint64  `json:"offered"`
	Served   uint64  `json:"served"`
	Degraded uint64  `json:"degraded"`
	Refused  uint64  `json:"refused"`
	Failed   uint64  `json:"failed"`
	P99      float64 `json:"p99_ms"`
}

type demoPhase struct {
	Name        string               `json:"name"`
	Classes     map[string]demoClass `json:"classes"`
	Unprotected map[string]demoClass `json:"unprotected"`
}

func (d *demonstration) report() demoReport {
	with, without := d.protected.Snapshot(), d.bare.Snapshot()
	r := demoReport{Seconds: d.lasts.Seconds(), LateSends: with.Late + without.Late}
	total := func(c load.ClassSnapshot) load.Figures { return c.Total }
	r.Classes, r.Unprotected = demoClasses(with, total), demoClasses(without, total)
	for i, p := range demoPhases(d.lasts) {
		phase := func(c load.ClassSnapshot) load.Figures { return c.Phases[i] }
		r.Phases = append(r.Phases, demoPhase{p.Name, demoClasses(with, phase), demoClasses(without, phase)})
	}
	return r
}

func demoClasses(s load.Snapshot, of func(load.ClassSnapshot) load.Figures) map[string]demoClass {
	out := map[string]demoClass{}
	for _, c := range s.Classes {
		f := of(c)
		out[c.Class] = demoClass{f.Offered, f.Served, f.Degraded, f.Refused, f.Failed, float64(f.P99.Microseconds()) / 1000}
	}
	return out
}
