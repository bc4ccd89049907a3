package incident

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"triage/proxy/incident/verdict"
	"triage/proxy/incident/without"
	"triage/shed"
)

// Settings of a Book.
type Settings struct {
	// Path is the file of entries; "" keeps them in memory alone.
	Path string
	// Retain is how long incidents are kept. 0: 90 days.
	Retain time.Duration
	Rules  Rules
	// Patience is how long a request of an upstream may wait for its answer, by the upstream's name; of others 2 s.
	Patience map[string]time.Duration
	// Notify is told of every entry, in order, outside the lock; it must not block. nil: nobody is.
	Notify func(Incident, Entry)
	// Logger is told of trouble with the file; nil discards that.
	Logger *slog.Logger
}

// Book keeps the record of incidents. Its methods may be called by many goroutines.
type Book struct {
	settings Settings
	store    *store
	telling  sync.Mutex // held from before a change until it is told, so that entries are told in order

	mu        sync.Mutex
	seq       uint64
	incidents []*Incident // oldest first
	machine   machine
	isolator  verdict.Isolator
	without   without.Estimator
	classes   map[string]int    // of routes, the newest
	before    map[string]Counts // when the incident began, by route
	sessions  float64           // the same
	counts    map[string]Counts // the newest
	affected  float64           // sessions, the newest
	carried   Impact            // of the latest incident, from before this process began
	counted   time.Duration     // when the impact was written last
	at        time.Duration
	untold    []told
}

type told struct {
	incident Incident
	entry    Entry
}

// New reads what is on disk and goes on with it.
func New(s Settings) (*Book, error) {
	if s.Retain == 0 {
		s.Retain = 90 * 24 * time.Hour
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.Rules = s.Rules.withDefaults()
	b := &Book{settings: s, without: without.Estimator{Patience: s.Patience}}
	if s.Path == "" {
		return b, nil
	}
	var err error
	if b.store, err = openStore(s.Path, s.Logger); err != nil {
		return nil, err
	}
	b.read(time.Now())
	return b, nil
}

// read folds the entries of the file, without what is too old.
func (b *Book) read(now time.Time) {
	byID := map[string]*Incident{}
	for _, e := range b.store.take() {
		if e.Seq <= b.seq {
			continue // written twice, around an error
		}
		b.seq = e.Seq
		i := byID[e.Incident]
		if i == nil {
			if e.Kind != Opened {
				continue
			}
			i = &Incident{}
			byID[e.Incident] = i
			b.incidents = append(b.incidents, i)
		}
		i.apply(e)
	}
	b.retainLocked(now)
	b.store.compact(b.incidents)
	if i := b.latest(); i != nil {
		b.carried = i.Impact
		b.machine = machine{state: i.State, baseline: i.Baseline}
		if i.State == Resolved {
			b.machine.since = -max(now.Sub(i.ResolvedAt), 0)
		}
	}
}

// retainLocked forgets incidents that are too old, and those beyond the newest hundred.
func (b *Book) retainLocked(now time.Time) {
	b.incidents = slices.DeleteFunc(slices.Clone(b.incidents), func(i *Incident) bool { return !i.ResolvedAt.IsZero() && now.Sub(i.ResolvedAt) >= b.settings.Retain })
	b.incidents = b.incidents[max(0, len(b.incidents)-incidentsKept):]
}

// tidy writes the file anew if it has grown far beyond what is kept. Only who writes to the file calls it.
func (b *Book) tidy(now time.Time) {
	if !b.store.grown() {
		return
	}
	b.mu.Lock()
	b.retainLocked(now)
	kept := make([]*Incident, 0, len(b.incidents))
	for _, i := range b.incidents {
		c := i.clone()
		kept = append(kept, &c)
	}
	b.mu.Unlock()
	b.store.compact(kept) // entries that still wait may be written twice, which reading does not mind
}

// latest is the newest incident, nil if there never was one.
func (b *Book) latest() *Incident {
	if len(b.incidents) == 0 {
		return nil
	}
	return b.incidents[len(b.incidents)-1]
}

// currentLocked is the one that is not over, nil if there is none.
func (b *Book) currentLocked() *Incident {
	if i := b.latest(); i != nil && i.State != Resolved {
		return i
	}
	return nil
}

// locked calls f under the lock and then tells what it has written.
func (b *Book) locked(f func() error) error {
	b.telling.Lock()
	defer b.telling.Unlock()
	untold, err := b.underLock(f)
	if b.settings.Notify != nil {
		for _, t := range untold {
			b.settings.Notify(t.incident, t.entry)
		}
	}
	return err
}

// underLock calls f under the lock, which is free again whatever f does, and gives what it has written.
func (b *Book) underLock(f func() error) (untold []told, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err = f()
	untold, b.untold = b.untold, nil
	return untold, err
}

// writeLocked adds an entry to the incident.
func (b *Book) writeLocked(i *Incident, e Entry) {
	b.seq++
	e.Seq, e.Incident = b.seq, cmp.Or(i.ID, e.Incident)
	if e.Actor == "" {
		e.Actor = Machine
	}
	i.apply(e)
	if b.store != nil {
		b.store.put(e)
	}
	if b.settings.Notify != nil {
		b.untold = append(b.untold, told{b.nowLocked(i), e})
	}
}

// Observation is what is seen of the proxy at an instant; Look makes one.
type Observation struct {
	Signals Signals
	Second  verdict.Second
	Events  []shed.Entry
	// Totals are counts since the process began, by route; Sessions about how many were affected since then.
	Totals   map[string]Counts
	Sessions float64
	// Classes are the routes' places in the order of priorities, from 0 on.
	Classes map[string]int
}

// impactEvery is how often who is affected is written down.
const impactEvery = 10 * time.Second

// Observe takes in what is seen. at is monotonic, now is for the record.
func (b *Book) Observe(now time.Time, at time.Duration, o Observation) {
	_ = b.locked(func() error {
		b.at, b.counts, b.affected, b.classes = at, o.Totals, o.Sessions, o.Classes
		if b.before == nil {
			b.before, b.sessions = o.Totals, o.Sessions
		}
		b.isolator.Look(o.Second)
		b.without.Look(o.Second)
		was := cmp.Or(b.machine.state, Quiet)
		m, why := b.machine.next(at, o.Signals, b.settings.Rules)
		b.machine = m
		b.signalLocked(o.Events) // what the law did comes before what it led to
		if m.state != was {
			open := b.currentLocked() != nil
			b.enterLocked(now, was, why, o)
			if !open {
				b.signalLocked(o.Events)
			}
		}
		i := b.currentLocked()
		if i == nil {
			return nil
		}
		b.judgeLocked(i, now)
		if at-b.counted >= impactEvery {
			b.impactLocked(i, now)
		}
		return nil
	})
}

// signalLocked writes down what the law did, if an incident is open.
func (b *Book) signalLocked(events []shed.Entry) {
	if i := b.currentLocked(); i != nil {
		for _, e := range gather(events) {
			b.writeLocked(i, e)
		}
	}
}

// enterLocked writes a change of state down.
func (b *Book) enterLocked(now time.Time, from State, why string, o Observation) {
	switch {
	case b.machine.state == Quiet:
		return // it is too long ago to be the same
	case from == Quiet || b.latest() == nil: // the very first look may find trouble
		b.openLocked(began(now, o.Events), Machine, cmp.Or(o.Signals.Title, why), why)
		return
	}
	i := b.latest()
	if b.machine.state == Resolved {
		b.impactLocked(i, now)
	}
	b.writeLocked(i, Entry{Time: now, Kind: Moved, From: string(from), To: string(b.machine.state), Reason: why})
}

// began is when the first of a look's events was, if that was lately: an incident begins with what opens it.
func began(now time.Time, events []shed.Entry) time.Time {
	at := now
	for _, e := range events {
		if e.Time.Before(at) && now.Sub(e.Time) <= longestStep {
			at = e.Time
		}
	}
	return at
}

func (b *Book) openLocked(now time.Time, who, title, why string) *Incident {
	b.before, b.sessions, b.counted, b.carried = b.counts, b.affected, b.at, Impact{}
	b.without.Begin()
	i := &Incident{}
	b.incidents = append(b.incidents, i)
	b.retainLocked(now)
	id := fmt.Sprintf("%s-%d", now.UTC().Format("20060102-150405"), b.seq+1)
	b.writeLocked(i, Entry{Incident: id, Time: now, Kind: Opened, Actor: who, To: title, Reason: why, Numbers: map[string]float64{"baseline_rate": b.machine.baseline}})
	return i
}

// judgeLocked writes the verdict down when it names another place, or becomes sure, or unsure.
func (b *Book) judgeLocked(i *Incident, now time.Time) {
	v := b.isolator.Verdict()
	if !v.Replaces(i.Verdict) || v.Same(i.Verdict) && v.Isolated() == i.Verdict.Isolated() {
		return
	}
	why := strings.Join(v.For, "; ")
	if v.Kind != verdict.Unknown {
		why = fmt.Sprintf("confidence %.2f: %s", v.Confidence, why)
	}
	b.writeLocked(i, Entry{Time: now, Kind: Judged, From: sentenceOf(i.Verdict), To: v.Sentence(), Reason: why, Numbers: map[string]float64{"confidence": v.Confidence}, Verdict: &v})
}

// sentenceOf is a verdict as what was thought before: the same place may come back with another confidence.
func sentenceOf(v verdict.Verdict) string {
	if v.Kind == verdict.None || v.Kind == verdict.Unknown {
		return v.Sentence()
	}
	return fmt.Sprintf("%s (%.2f)", v.Sentence(), v.Confidence)
}

func (b *Book) impactLocked(i *Incident, now time.Time) {
	b.counted = b.at
	im := b.impact()
	if im.Sum() == i.Impact.Sum() {
		return
	}
	all := im.Sum()
	b.writeLocked(i, Entry{Time: now, Kind: Counted, Impact: &im, Reason: fmt.Sprintf("%d served, %d degraded, %d refused, %d failed so far", all.Served, all.Degraded, all.Refused, all.Failed), Numbers: map[string]float64{"served": float64(all.Served), "degraded": float64(all.Degraded), "refused": float64(all.Refused), "failed": float64(all.Failed), "severity": float64(Severity(im, b.classOf))}})
}

// leave writes down who is affected, if an incident is open: a process after this one counts on from there.
func (b *Book) leave() {
	_ = b.onCurrent(func(i *Incident) error {
		if b.before != nil {
			b.impactLocked(i, time.Now())
		}
		return nil
	})
}

func (b *Book) classOf(route string) int {
	if class, known := b.classes[route]; known {
		return class
	}
	return -1
}

func (b *Book) impact() Impact {
	im := Impact{Routes: maps.Clone(b.carried.Routes), Sessions: b.carried.Sessions + max(b.affected-b.sessions, 0), Protected: protectedBy(b.classes, b.without.Routes(), b.carried.Protected)}
	if im.Routes == nil {
		im.Routes = map[string]Counts{}
	}
	for name, c := range b.counts {
		im.Routes[name] = im.Routes[name].plus(c.minus(b.before[name]))
	}
	return im
}

// gatheredMost is how many entries one look at the law makes at most.
const gatheredMost = 50

// gather makes one entry of all events of a kind and subject.
func gather(events []shed.Entry) []Entry {
	type key struct{ kind, upstream, subject string }
	var out []Entry
	at := map[key]int{}
	beyond := 0
	for _, e := range events {
		k := key{e.Kind, e.Upstream, e.Subject}
		if n, known := at[k]; known {
			out[n].To, out[n].Reason, out[n].Times = number(e.To), e.Reason, max(out[n].Times, 1)+1
			out[n].Numbers["to"] = e.To
			continue
		}
		if len(out) == gatheredMost {
			beyond++
			continue
		}
		at[k] = len(out)
		out = append(out, Entry{Time: e.Time, Kind: Signal, Subject: strings.TrimSpace(e.Kind + " " + e.Subject), From: number(e.From), To: number(e.To), Reason: e.Reason,
			Numbers: map[string]float64{"from": e.From, "to": e.To}})
	}
	if beyond > 0 {
		out[len(out)-1].Reason += fmt.Sprintf(" (and %d more events, of other subjects)", beyond)
	}
	return out
}

func number(x float64) string { return fmt.Sprintf("%.4g", x) }

// The errors that somebody may want to tell apart.
var (
	ErrNone     = errors.New("no incident is open")
	ErrUnknown  = errors.New("there is no such incident")
	ErrConflict = errors.New("not as things are")
)

// List gives all incidents without their entries, newest first.
func (b *Book) List() []Incident {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Incident{}
	for _, i := range slices.Backward(b.incidents) {
		c := b.nowLocked(i)
		c.Entries = nil
		out = append(out, c)
	}
	return out
}

// Show gives one incident; "" is the one that is open, or else the latest.
func (b *Book) Show(id string) (Incident, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.latest()
	if id != "" {
		i = nil
		if at := slices.IndexFunc(b.incidents, func(i *Incident) bool { return i.ID == id }); at >= 0 {
			i = b.incidents[at]
		}
	}
	if i == nil {
		return Incident{}, ErrUnknown
	}
	return b.nowLocked(i), nil
}

// nowLocked is an incident with what only this moment knows of it: what is missing, and who is affected by now.
func (b *Book) nowLocked(i *Incident) Incident {
	out := i.clone()
	if i != b.currentLocked() {
		return out
	}
	out.Missing = b.machine.missing(b.settings.Rules)
	if b.before != nil {
		out.Impact = b.impact()
		out.Severity = worse(out.Severity, Severity(out.Impact, b.classOf))
	}
	return out
}

// State is that of the latest incident, Quiet if none is open or was lately.
func (b *Book) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return cmp.Or(b.machine.state, Quiet)
}

// Trouble says how the file is: "" if it is well, and how many entries were lost.
func (b *Book) Trouble() (why string, lost int) {
	if b.store == nil {
		return "", 0
	}
	return b.store.trouble()
}
