package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
	"triage/config"
	"triage/proxy/admin"
	"triage/proxy/incident"
	"triage/proxy/incident/verdict"
	"triage/proxy/lever"
)

// demoShared are the routes that the demo's shop has on its database: what a right verdict names.
var demoShared = []string{"cart", "checkout", "recommendations", "reviews"}

// incidentDemo drives an incident from its beginning to its end: a real shop, a real proxy, real customers, and people who use the admin API
// as the commands do.
type incidentDemo struct {
	triage *server
	shop   *origin.Server
	load   *load.Generator
	api    *api
	// twin is an equal shop without Triage, which equal customers visit.
	twin   *origin.Server
	alone  *load.Generator
	began  time.Time
	phase  int // the newest that was told of, from 1 on
	out    io.Writer
	report incidentReport
}

// incidentReport is what --output json prints.
type incidentReport struct {
	Steps   []string        `json:"steps"`
	Verdict verdict.Verdict `json:"verdict"`
	// Right is set if the verdict names the database by the routes that need it, and no other.
	Right    bool   `json:"right"`
	Resolved bool   `json:"resolved"`
	Update   string `json:"update"`
	// Estimated is the share of the critical requests that the record says would have been served without protection, Twin what an equal shop
	// without it served of them.
	Estimated float64         `json:"estimated_without"`
	Twin      float64         `json:"twin_without"`
	Report    json.RawMessage `json:"report"`
}

// incidentPhases are the course of the demo: calm, a crowd, the crowd with a slow database, and long enough well again.
func incidentPhases() []load.Phase {
	part := func(name string, lasts time.Duration, factor float64) load.Phase {
		rates := map[string]float64{}
		for _, r := range demoRoutes {
			rates[r.name] = r.calm * factor
		}
		return load.Phase{Name: name, For: lasts, Rates: rates}
	}
	return []load.Phase{part("calm", 15*time.Second, 1), part("flash crowd", 12*time.Second, demoCrowd), part("slow database", 10*time.Second, demoCrowd), part("recovery", 45*time.Second, 1)}
}

// newIncidentDemo binds everything. Nothing runs yet.
func newIncidentDemo(seed uint64, out io.Writer) (d *incidentDemo, err error) {
	d = &incidentDemo{out: out}
	shop, server, err := newShop(seed)
	if err != nil {
		return nil, err
	}
	d.shop = server
	bare, twin, err := newShop(seed)
	if err != nil {
		server.Close()
		return nil, err
	}
	d.twin = twin
	text := strings.ReplaceAll(demoConfig, "SHOP", server.URL()) + "\nincident: {resolve_after: 10s}\n"
	d.triage, err = newServer(options{
		path: "demo.yaml", logger: slog.New(slog.DiscardHandler), stdout: os.Stdout,
		source: func() (*config.Loaded, error) { return config.Parse("demo.yaml", []byte(text)) },
	})
	if err == nil {
		d.api = &api{address: d.triage.adminAt.Addr().String()}
		d.load, err = newVisitors(seed, "http://"+d.triage.addresses()[0], incidentPhases(), shop)
	}
	if err == nil {
		d.alone, err = newVisitors(seed, d.twin.URL(), incidentPhases(), bare)
	}
	if err != nil {
		d.shop.Close()
		d.twin.Close()
		if d.triage != nil {
			d.triage.closeAll()
		}
		return nil, err
	}
	return d, nil
}

// run plays the demo: customers come, and people do their part.
func (d *incidentDemo) run(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var parts sync.WaitGroup
	parts.Go(func() { d.shop.Run(running) })
	parts.Go(func() { d.twin.Run(running) })
	parts.Go(func() { d.triage.Run(running) })
	d.began = time.Now()
	ended := make(chan error, 1)
	customers, leave := context.WithCancel(ctx)
	go func() { ended <- d.load.Run(customers) }()
	var others sync.WaitGroup
	others.Go(func() { _ = d.alone.Run(customers) }) // what it has counted is asked for at the end
	err := d.people(ctx)
	leave()
	others.Wait()
	if loaded := <-ended; err == nil && loaded != nil && !errors.Is(loaded, context.Canceled) {
		err = loaded
	}
	stop()
	parts.Wait()
	return err
}

// people do what the drill says, each over the admin API.
func (d *incidentDemo) people(ctx context.Context) error {
	if _, err := d.until(ctx, "opened", func(i incident.Incident) bool { return i.State != incident.Resolved }); err != nil {
		return err
	}
	for n, role := range incident.Roles() {
		who := []string{"ana", "ben", "cleo"}[n]
		if err := d.do(ctx, who, "/api/v1/incident/role", admin.Posted{Do: "take", Role: string(role)}, nil); err != nil {
			return err
		}
		d.say("%s takes the role %s", who, role)
	}
	i, err := d.until(ctx, "isolated", func(i incident.Incident) bool { return i.Verdict.Isolated() })
	if err != nil {
		return err
	}
	d.say("the verdict, with a confidence of %.2f: %s", i.Verdict.Confidence, i.Verdict.Sentence())
	for _, evidence := range i.Verdict.For {
		d.say("  because %s", evidence)
	}
	var pulled lever.Lever
	if err := d.do(ctx, "ben", "/api/v1/lever", admin.Posted{Kind: string(lever.Shed), Target: "reviews", Value: "100%", Why: "leave the database to the others", For: "5m"}, &pulled); err != nil {
		return err
	}
	d.say("ben pulls lever %d: %s", pulled.ID, pulled)
	if err := d.word(ctx); err != nil {
		return err
	}
	if err := d.recover(ctx, pulled); err != nil {
		return err
	}
	return d.end(ctx)
}

// recover waits until the crowd has left, and takes the lever back.
func (d *incidentDemo) recover(ctx context.Context, pulled lever.Lever) error {
	last := len(incidentPhases()) - 1
	for d.load.Snapshot().Phase < last {
		if err := d.pause(ctx); err != nil {
			return err
		}
	}
	d.watch()
	if err := d.do(ctx, "ben", "/api/v1/lever/undo", admin.Posted{ID: pulled.ID, Why: "not needed any more"}, nil); err != nil {
		return err
	}
	d.say("ben takes lever %d back", pulled.ID)
	i, err := d.until(ctx, "watched", func(i incident.Incident) bool { return i.State == incident.Watching })
	if err != nil {
		return err
	}
	d.say("state: %s; missing: %s", i.State, strings.Join(i.Missing, "; "))
	return nil
}

// end waits for the resolution and prints the report.
func (d *incidentDemo) end(ctx context.Context) error {
	i, err := d.until(ctx, "resolved", func(i incident.Incident) bool { return i.State == incident.Resolved })
	if err != nil {
		return err
	}
	d.say("state: %s, after %v", i.State, i.Lasted(time.Now()).Round(time.Second))
	r := &d.report
	r.Verdict, r.Resolved = i.Verdict, true
	r.Right = (r.Verdict.Kind == verdict.Resource) && len(r.Verdict.Routes) >= 2 &&
		!slices.ContainsFunc(r.Verdict.Routes, func(name string) bool { return !slices.Contains(demoShared, name) })
	d.compare(i)
	text, err := d.api.get(ctx, "/api/v1/incident/report")
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n%s\n", text)
	r.Report, err = d.api.get(ctx, "/api/v1/incident/report?format=json")
	return err
}

// pause is the time between two looks.
func (d *incidentDemo) pause(ctx context.Context) error {
	d.watch()
	select {
	case <-ctx.Done():
		return errors.New("interrupted")
	case <-time.After(200 * time.Millisecond):
		return nil
	}
}

// until waits until something is true of the incident, as long as customers come.
func (d *incidentDemo) until(ctx context.Context, what string, is func(incident.Incident) bool) (i incident.Incident, err error) {
	lasts := time.Duration(0)
	for _, p := range incidentPhases() {
		lasts += p.For
	}
	for time.Since(d.began) < lasts {
		body, err := d.api.get(ctx, "/api/v1/incident")
		if err == nil && json.Unmarshal(body, &i) == nil && is(i) {
			if what == "opened" {
				d.say("triage opens incident %s: %s", i.ID, i.Title)
			}
			return i, nil
		}
		if err := d.pause(ctx); err != nil {
			return i, err
		}
	}
	return i, fmt.Errorf("the incident was not %s while the customers were there; it is %s, missing: %s", what, i.State, strings.Join(i.Missing, "; "))
}

// do posts as a person.
func (d *incidentDemo) do(ctx context.Context, who, path string, p admin.Posted, into any) error {
	as := *d.api
	as.who = who
	body, err := as.post(ctx, path, p)
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// runIncidentDemo is `triage demo --incident`.
func runIncidentDemo(ctx context.Context, seed uint64, stdout, stderr io.Writer, asJSON bool) error {
	words := stdout
	if asJSON {
		words = stderr
	}
	d, err := newIncidentDemo(seed, words)
	if err != nil {
		return err
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(d.report); err != nil {
			return err
		}
	}
	if !d.report.Right {
		return fmt.Errorf("the verdict is not right: %s; the database is what failed", d.report.Verdict.Sentence())
	}
	return nil
}
