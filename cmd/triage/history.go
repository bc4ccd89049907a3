package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"triage/config"
	"triage/proxy"
	"triage/proxy/incident"
	word "triage/proxy/incident/send"
	"triage/proxy/lever"
	"triage/proxy/telemetry"
)

// history is the record of incidents, with those who look and those who may act.
type history struct {
	counter *incident.Counter
	eyes    incident.Eyes
	book    *incident.Book
	sender  *word.Sender
	levers  *lever.Book
}

// tee tells both.
type tee struct{ first, second proxy.Recorder }

// Record tells both.
func (t tee) Record(x *proxy.Exchange) {
	t.first.Record(x)
	t.second.Record(x)
}

// newHistory reads what is on record, and pulls again what was pulled.
func (s *server) newHistory(f *config.File) (err error) {
	s.history.eyes.Counter = s.history.counter
	if s.history.sender, err = newSender(f.Incident, s.history.said, s.options.logger); err != nil {
		return err
	}
	s.history.book, err = incident.New(incident.Settings{Path: f.Incident.File, Rules: incident.Rules{ResolveAfter: time.Duration(f.Incident.ResolveAfter)}, Retain: time.Duration(f.Incident.Retain), Patience: upstreamTimeouts(f), Notify: s.history.recorded, Logger: s.options.logger})
	if err != nil {
		return err
	}
	if i := s.history.current(); i != nil {
		s.history.sender.Keep(*i) // from before a restart
	}
	s.history.levers, err = lever.New(time.Now(), lever.Settings{
		Path: f.Incident.AuditFile, Set: s.proxy.ByHand, Snapshot: s.proxy.Snapshot, Notify: s.history.pulled, Logger: s.options.logger,
	})
	return err
}

// recorded tells receivers of an entry, and the audit log of what a person has changed.
func (r *history) recorded(i incident.Incident, e incident.Entry) {
	r.sender.Tell(i, e)
	did, changed := map[incident.Kind]string{incident.Opened: "opened an incident", incident.Moved: "moved the incident", incident.Taken: "changed a role"}[e.Kind]
	if !changed || e.Actor == incident.Machine {
		return
	}
	name := cmp.Or(e.Subject, i.ID)
	r.levers.Note(lever.Line{Time: e.Time, Did: did, Who: e.Actor, Before: []string{name + ": " + cmp.Or(e.From, "-")}, After: []string{name + ": " + cmp.Or(e.To, "-")}, Why: e.Reason})
}

// upstreamTimeouts is how long each upstream's requests may wait.
func upstreamTimeouts(f *config.File) map[string]time.Duration {
	out := map[string]time.Duration{}
	for name, u := range f.Upstreams {
		out[name] = time.Duration(u.Timeout)
	}
	return out
}

// newSender reads who is to be told, and their secrets.
func newSender(c config.Incident, said func(id, receiver, became, why string), logger *slog.Logger) (*word.Sender, error) {
	settings := word.Settings{DeadLetters: c.DeadLetters, Said: said, Logger: logger}
	for i, h := range c.Tell {
		r := word.Receiver{Kind: h.Kind, Address: h.Address}
		for path, to := range map[string]*string{h.AddressFile: &r.Address, h.SecretFile: &r.Secret} {
			if path == "" {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("incident.tell[%d]: %w", i, err)
			}
			*to = strings.TrimSpace(string(text))
		}
		settings.Receivers = append(settings.Receivers, r)
	}
	return word.New(settings)
}

// said puts into the timeline what became of word for a receiver.
func (r *history) said(id, receiver, became, why string) {
	r.book.Told(time.Now(), id, receiver, became, why)
}

// pulled puts a lever into the open incident.
func (r *history) pulled(l lever.Line) {
	r.book.Add(incident.Entry{
		Time: l.Time, Kind: incident.Pulled, Actor: l.Who, Subject: l.Lever.String(), From: listed(l.Before), To: listed(l.After), Reason: didWhy(l),
	})
}

// didWhy says what was done with a lever, and why.
func didWhy(l lever.Line) string {
	why := cmp.Or(l.Why, l.Lever.Why)
	if l.Did != "pulled" {
		return l.Did + ": " + why
	}
	return fmt.Sprintf("pulled until %s: %s", l.Lever.Until.UTC().Format("15:04 UTC"), why)
}

func listed(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// lookEvery is how often the record looks at the proxy.
const lookEvery = time.Second

// look looks at the proxy once a second, and takes back what has expired. It is never on the way of a request.
func (s *server) look(ctx context.Context) {
	var seen uint64
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		seen = s.lookOnce(seen)
	}
}

// lookOnce looks at what is new after that number. A defect here must not end the proxy: it is told, and the next look may be better.
func (s *server) lookOnce(after uint64) (seen uint64) {
	defer func() {
		if p := recover(); p != nil {
			s.options.logger.Error("the record of incidents has a defect", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	seen = after
	events := s.proxy.Entries(after)
	if len(events) > 0 {
		seen = events[len(events)-1].Seq
	}
	s.history.levers.Tick(time.Now())
	at := time.Since(s.started)
	s.history.book.Observe(time.Now(), at, s.history.eyes.Look(at, lookEvery, s.proxy.Snapshot(), events, s.history.levers.InForce(), nil))
	return seen
}

// current is the incident that is not over, without its entries; nil if there is none.
func (r *history) current() *incident.Incident {
	i, err := r.book.Show("")
	if err != nil || i.State == incident.Resolved {
		return nil
	}
	i.Entries = nil
	return &i
}

// wentLive notes that a configuration went live in place of another one.
func (r *history) wentLive(who, before, after string, changes []string) {
	name := func(hash string) string { return "configuration " + hash[:min(12, len(hash))] }
	_ = r.book.Change(time.Now(), who, name(after), nil) // what it says is never empty
	r.levers.Note(lever.Line{Time: time.Now(), Did: "reloaded", Who: who, Before: []string{name(before)}, After: []string{name(after)}, Why: strings.Join(changes, "; ")})
}

// incidentSnapshot is what metrics tell of incidents.
func (s *server) incidentSnapshot() telemetry.IncidentSnapshot {
	out := telemetry.IncidentSnapshot{
		State: string(s.history.book.State()), Taken: map[string]bool{}, Levers: map[string]int{}, Words: map[string]telemetry.WordCounts{}, Viewers: s.console.Viewers(),
	}
	for _, state := range incident.States() {
		out.States = append(out.States, string(state))
	}
	for _, kind := range lever.Kinds() {
		out.Levers[string(kind)] = 0
	}
	for _, l := range s.history.levers.Pulled() {
		out.Levers[string(l.Kind)]++
	}
	for kind, c := range s.history.sender.Counts() {
		out.Words[kind] = telemetry.WordCounts(c)
	}
	record, lost := s.history.book.Trouble()
	out.Writable, out.Lost = record == "" && s.history.levers.Trouble() == "", lost
	i := s.history.current()
	for _, role := range incident.Roles() {
		out.Taken[string(role)] = i != nil && i.Roles[role] != ""
	}
	if i != nil {
		out.Open, out.Severity = i.Lasted(time.Now()), incident.Severity(i.Impact, s.proxy.Snapshot().ClassOf)
	}
	return out
}
