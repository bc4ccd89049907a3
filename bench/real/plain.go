package real

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"triage/bench/load"
	"triage/bench/record"
	"triage/bench/sim"
)

// Plain is a load test of a service of which nothing is known: the scenario's clients, no backend, no oracle.
type Plain struct {
	// Target is its base URL.
	Target string
	// TLS is for https; nil means the system's authorities.
	TLS *tls.Config
}

// Got is what the clients of a plain run got.
type Got struct {
	Trial   Trial
	Target  string
	Begun   time.Time
	Clients load.Snapshot
	Course  *record.Collector
	// Reasons counts attempts that were not served, by class and reason.
	Reasons map[string]map[string]int
	Funnels []Funnel
	// Declined counts answers with a status from 400 on that count as served, by status.
	Declined map[int]int
	// Busy is the load average before the run.
	Busy string
	// Cut says why the run ended before its time; "": it did not.
	Cut string
}

// Funnel is how far the users of a journey came.
type Funnel struct {
	Journey string        `json:"journey"`
	Stages  []FunnelStage `json:"stages"`
}

// FunnelStage is a stage of a journey: who came to it, and how it ended for them, retries included. Of those that were served some want no
// more; the others come to the next stage.
type FunnelStage struct {
	Route   string `json:"route"`
	Reached int    `json:"reached"`
	Served  int    `json:"served"`
	Refused int    `json:"refused"`
	Failed  int    `json:"failed"`
	// Content counts those served who wanted no more.
	Content int `json:"content"`
}

// Check says why a trial cannot be asked of a target; nil if it can.
func (p Plain) Check(t Trial) error {
	if len(t.Scenario.Phases) == 0 || t.Scenario.Peak() == 0 {
		return fmt.Errorf("%s: nobody comes; want rates, such as rates: {checkout: 10/s}", t.Episode)
	}
	return checkDescriptors(t, uint64(t.connections()+100))
}

// Run lets the clients come. If ctx is done before the end it gives what was measured so far, with an error that is ErrCut.
func (p Plain) Run(ctx context.Context, t Trial, progress func(Progress)) (got Got, err error) {
	front, err := Target(p.Target, "")(ctx, t, Backend{})
	if err != nil {
		return got, err
	}
	fronts := []Front{front}
	for _, phase := range t.Scenario.Phases[1:] { // replaced sidecars are the target's own business
		if phase.Restart {
			fronts = append(fronts, front)
		}
	}
	d, err := newDrive(t, fronts)
	if err != nil {
		return got, err
	}
	d.stalls = nil
	s := &d.settings
	s.TLS = p.TLS
	if t.Scenario.Clients.HTTP2 {
		s.Protocol = load.HTTP2
	}
	got = Got{Trial: t, Target: p.Target, Course: d.course, Reasons: map[string]map[string]int{}, Declined: map[int]int{}, Busy: record.LoadAverage()}
	for _, j := range t.Scenario.Journeys {
		f := Funnel{Journey: j.Name}
		for _, st := range j.Stages {
			f.Stages = append(f.Stages, FunnelStage{Route: st.Route})
		}
		got.Funnels = append(got.Funnels, f)
	}
	d.tally = got.add
	got.Begun = time.Now().Add(lead)
	err = d.run(ctx, got.Begun, nil, progress)
	got.Clients = d.clients
	if err != nil {
		got.Cut = err.Error()
	}
	return got, err
}

// add counts an attempt. It is called under the drive's lock.
func (g *Got) add(e load.Ending, w sim.Want, reason string, again bool) {
	if e.How != load.Served && e.How != load.Aborted {
		if reason == "" {
			reason = failure(e)
		}
		class := className(g.Trial.Scenario.Classes, w.Class)
		if g.Reasons[class] == nil {
			g.Reasons[class] = map[string]int{}
		}
		g.Reasons[class][reason]++
	}
	if e.How == load.Served && e.Answer != nil && e.Answer.StatusCode >= 400 {
		g.Declined[e.Answer.StatusCode]++
	}
	journey, last := w.Journey()
	at := slices.IndexFunc(g.Funnels, func(f Funnel) bool { return f.Journey == journey })
	if at < 0 {
		return
	}
	st := &g.Funnels[at].Stages[w.Stage]
	if w.Attempt == 0 {
		st.Reached++
	}
	switch {
	case e.How == load.Served:
		st.Served++
		if last {
			st.Content++
		}
	case again || e.How == load.Aborted:
	case e.How == load.Refused || e.How == load.Degraded:
		st.Refused++
	default:
		st.Failed++
	}
}

// failure says in a few words why a request failed.
func failure(e load.Ending) string {
	switch {
	case e.How == load.GaveUp:
		return "no answer by the deadline"
	case e.How == load.Overrun:
		return "not sent: too many under way"
	case e.Answer != nil:
		return fmt.Sprintf("status %d", e.Answer.StatusCode)
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(e.Err, syscall.ECONNRESET), errors.Is(e.Err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(e.Err, syscall.EMFILE), errors.Is(e.Err, syscall.ENFILE):
		return "too many open files here"
	case e.Err == nil:
		return "failed"
	case strings.Contains(e.Err.Error(), "EOF"):
		return "connection closed before the whole answer"
	}
	text := e.Err.Error()
	if len(text) > 100 {
		text = text[:100]
	}
	return text
}

// Late is the share of requests that were sent more than 5 ms late, or not at all.
func (g Got) Late() float64 {
	var late, offered uint64
	for _, c := range g.Clients.Classes {
		late, offered = late+c.Total.Late+c.Total.Overrun, offered+c.Total.Offered
	}
	if offered == 0 {
		return 0
	}
	return float64(late) / float64(offered)
}

// Notes are what a reader has to know first.
func (g Got) Notes() (notes []string) {
	if late := g.Late(); late > tooLate {
		notes = append(notes, fmt.Sprintf("%.1f %% of the requests were sent more than 5 ms late or not at all: this machine was the bottleneck, and what it measured is itself.", 100*late))
	}
	for _, status := range slices.Sorted(maps.Keys(g.Declined)) {
		notes = append(notes, fmt.Sprintf("%d answers had status %d. The service had heard and answered, so they count as served; are the paths right?", g.Declined[status], status))
	}
	if g.Cut != "" {
		notes = append(notes, fmt.Sprintf("The run was cut short after %.1f s; the table has what was measured until then.", g.Clients.Elapsed.Seconds()))
	}
	return notes
}

// PlainRecord is plain runs of one target as they are kept.
func PlainRecord(command string, triage record.Program, all []Got) (record.Record, error) {
	out := record.Record{
		Kind: record.Run, Command: command, Begun: all[0].Begun.UTC(), Ended: time.Now().UTC(), Triage: triage, Machine: record.ThisMachine(),
		Peers: []record.Peer{{Name: all[0].Target, Doc: "a service of which nothing is known"}},
	}
	for i, g := range all {
		ran := g.Trial.Scenario
		if g.Cut != "" {
			ran = ran.Until(g.Clients.Elapsed)
		}
		sc, err := g.Trial.Recorded(ran)
		if err != nil {
			return out, err
		}
		t := record.Trial{Scenario: i, Round: 1, Begun: g.Begun.UTC(), Seconds: ran.Lasts().Seconds(), Cut: g.Cut, Values: map[string]record.Number{}, Harness: g.harness()}
		g.Course.Into(&t, ran.Lasts())
		out.Scenarios, out.Runs, out.Cut = append(out.Scenarios, sc), append(out.Runs, t), g.Cut
	}
	return out, nil
}

func (g Got) harness() record.Harness {
	h := record.Harness{LoadBefore: g.Busy, Valid: g.Late() <= tooLate, Notes: g.Notes()}
	for _, c := range g.Clients.Classes {
		h.Sent, h.Late, h.NotSent = h.Sent+int(c.Total.Offered), h.Late+int(c.Total.Late), h.NotSent+int(c.Total.Overrun)
	}
	return h
}

// reasons are sorted by how often they came.
func reasons(of map[string]int) []string {
	names := slices.Sorted(maps.Keys(of))
	slices.SortStableFunc(names, func(a, b string) int { return of[b] - of[a] })
	return names
}
