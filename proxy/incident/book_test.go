package incident_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"triage/proxy/incident"
	"triage/shed"
)

var night = time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)

// world plays a book, a second at a time.
type world struct {
	book *incident.Book
	at   time.Duration
}

func newWorld(t *testing.T, path string) *world {
	t.Helper()
	b, err := incident.New(incident.Settings{Path: path, Rules: incident.Rules{ResolveAfter: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	return &world{book: b}
}

func (w *world) now() time.Time { return night.Add(w.at) }

func (w *world) play(seconds int, s incident.Signals, events ...shed.Entry) {
	for range seconds {
		w.at += time.Second
		w.book.Observe(w.now(), w.at, incident.Observation{Signals: s, Events: events, Totals: map[string]incident.Counts{"recs": {Served: 10, Refused: uint64(w.at.Seconds())}}})
	}
}

var (
	calm    = incident.Signals{Traffic: 100}
	trouble = incident.Signals{Traffic: 100, Acting: []string{"recs are refused"}}
)

func (w *world) show(t *testing.T) incident.Incident {
	t.Helper()
	i, err := w.book.Show("")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestABookOpensAndResolvesByItself(t *testing.T) {
	w := newWorld(t, "")
	w.play(30, calm)
	if _, err := w.book.Show(""); !errors.Is(err, incident.ErrUnknown) {
		t.Fatalf("Show in the calm: %v, want none", err)
	}
	w.play(20, trouble, shed.Entry{Kind: "limit", Subject: "recs", From: 30, To: 20, Reason: "latency above target", Time: night})
	i := w.show(t)
	if i.State != incident.Mitigated || i.Title != "recs are refused" || i.OpenedBy != incident.Machine || i.Baseline < 99 {
		t.Fatalf("after twenty seconds: %+v", i)
	}
	if len(i.Missing) == 0 {
		t.Error("it does not say what is missing")
	}
	w.play(90, calm)
	i = w.show(t)
	if i.State != incident.Resolved || i.ResolvedAt.IsZero() || i.Impact.Routes["recs"].Refused == 0 {
		t.Fatalf("after ninety calm seconds: %s %v %+v", i.State, i.ResolvedAt, i.Impact)
	}
	var moves []string
	for _, e := range i.Entries {
		if e.Kind == incident.Moved {
			moves = append(moves, e.To)
		}
	}
	if want := []string{"mitigated", "watching", "resolved"}; !slices.Equal(moves, want) {
		t.Errorf("states %v, want %v", moves, want)
	}
}

func TestTroubleAtTheFirstLook(t *testing.T) {
	w := newWorld(t, "")
	w.play(1, trouble)
	if i := w.show(t); i.State != incident.Open {
		t.Errorf("state %s, want open", i.State)
	}
	w.play(15, trouble)
	if i := w.show(t); i.State != incident.Mitigated {
		t.Errorf("later: %s, want mitigated", i.State)
	}
}

func TestAThousandEventsASecond(t *testing.T) {
	w := newWorld(t, "")
	w.play(1, calm)
	var events []shed.Entry
	for n := range 1000 {
		events = append(events, shed.Entry{Kind: "limit", Subject: fmt.Sprintf("group-%d", n%200), From: float64(n), To: float64(n + 1), Reason: "moved", Time: night})
	}
	w.play(100, trouble, events...)
	i := w.show(t)
	if len(i.Entries) > 2000 || i.Dropped == 0 {
		t.Errorf("%d entries kept, %d dropped; want 2000 at most", len(i.Entries), i.Dropped)
	}
	if i.Entries[0].Kind != incident.Opened {
		t.Errorf("the first entry is %s, want that it was opened", i.Entries[0].Kind)
	}
	last := i.Entries[len(i.Entries)-2]
	if last.Times < 5 && i.Entries[len(i.Entries)-1].Times < 5 {
		t.Errorf("the newest entries stand for %d events, want those of a subject together", last.Times)
	}
	if err := w.book.Note(w.now(), "ana", "still here"); err != nil {
		t.Error(err)
	}
}

func TestTwoCommanders(t *testing.T) {
	w := newWorld(t, "")
	w.play(1, calm)
	w.play(1, trouble)
	var wins sync.Map
	var both sync.WaitGroup
	for _, who := range []string{"ana", "ben"} {
		both.Go(func() {
			if err := w.book.Take(w.now(), who, incident.Commander); err == nil {
				wins.Store(who, true)
			} else if !errors.Is(err, incident.ErrConflict) {
				t.Errorf("Take by %s: %v", who, err)
			}
		})
	}
	both.Wait()
	holder := w.show(t).Roles[incident.Commander]
	if _, won := wins.Load(holder); !won {
		t.Fatalf("commander is %q, who was told no", holder)
	}
	other := map[string]string{"ana": "ben", "ben": "ana"}[holder]
	if _, won := wins.Load(other); won {
		t.Error("both were told yes")
	}
	if err := w.book.Hand(w.now(), other, incident.Commander, other, false); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("whoever has not the role hands it over: %v", err)
	}
	if err := w.book.Hand(w.now(), holder, incident.Commander, other, false); err != nil {
		t.Error(err)
	}
	if err := w.book.Release(w.now(), other, incident.Commander); err != nil {
		t.Error(err)
	}
	if got := w.show(t).Roles; len(got) != 0 {
		t.Errorf("roles %v, want none", got)
	}
	if err := w.book.Take(w.now(), "ana", "king"); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("a role that there is not: %v", err)
	}
}

func TestResolveByHand(t *testing.T) {
	w := newWorld(t, "")
	w.play(1, calm)
	w.play(5, trouble)
	err := w.book.Resolve(w.now(), "ana", "enough", nil)
	if !errors.Is(err, incident.ErrConflict) || !strings.Contains(err.Error(), "recs are refused") {
		t.Fatalf("while something is given up: %v; want a no that says what", err)
	}
	w.play(20, calm)
	if err := w.book.Resolve(w.now(), "ana", "x", []string{"drain a"}); !errors.Is(err, incident.ErrConflict) || !strings.Contains(err.Error(), "drain a") {
		t.Errorf("with a lever: %v", err)
	}
	if err := w.book.Resolve(w.now(), "ana", "the sale is over", nil); err != nil {
		t.Fatal(err)
	}
	if i := w.show(t); i.State != incident.Resolved {
		t.Errorf("state %s", i.State)
	}
	if err := w.book.Note(w.now(), "ana", "x"); !errors.Is(err, incident.ErrNone) {
		t.Errorf("a note without an incident: %v", err)
	}
}

func TestOpenByHand(t *testing.T) {
	w := newWorld(t, "")
	w.play(3, calm)
	if _, err := w.book.Open(w.now(), "ana", "support says that the cart is odd"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.book.Open(w.now(), "ben", "again"); !errors.Is(err, incident.ErrConflict) {
		t.Errorf("a second one: %v, want a conflict", err)
	}
	if _, err := w.book.Open(w.now(), "ben", " "); err == nil {
		t.Error("a title of nothing is taken")
	}
	w.play(90, calm)
	if i := w.show(t); i.State != incident.Resolved || i.OpenedBy != "ana" {
		t.Errorf("%s, opened by %s", i.State, i.OpenedBy)
	}
}

// written plays a book in a bubble, so that what is written is there when it ends.
func written(t *testing.T, path string, play func(*world)) (last incident.Incident, trouble string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, path)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = w.book.Run(ctx) }()
		play(w)
		synctest.Wait()
		time.Sleep(6 * time.Second) // virtual: a disk that was full is tried again
		synctest.Wait()
		trouble, _ = w.book.Trouble()
		last, _ = w.book.Show("")
		stop()
		<-done
	})
	return last, trouble
}

func TestARestartGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.jsonl")
	before, _ := written(t, path, func(w *world) {
		w.play(1, calm)
		w.play(20, trouble, shed.Entry{Kind: "limit", Subject: "recs", To: 3, Reason: "r", Time: night})
		if err := w.book.Take(w.now(), "ana", incident.Commander); err != nil {
			t.Fatal(err)
		}
	})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range 3 { // a torn last line, at several places
		torn := filepath.Join(t.TempDir(), "torn.jsonl")
		if err := os.WriteFile(torn, append(text, text[:10+40*cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		after, _ := written(t, torn, func(w *world) {
			i := w.show(t)
			if i.ID != before.ID || i.State != before.State || len(i.Entries) != len(before.Entries) || i.Roles[incident.Commander] != "ana" {
				t.Fatalf("read back: %s %s, %d entries, roles %v; want %s %s, %d", i.ID, i.State, len(i.Entries), i.Roles, before.ID, before.State, len(before.Entries))
			}
			w.play(90, calm)
		})
		if after.ID != before.ID || after.State != incident.Resolved {
			t.Errorf("after the restart: %s %s, want %s resolved", after.ID, after.State, before.ID)
		}
		again := newWorld(t, torn)
		if got := again.show(t); got.State != incident.Resolved || len(got.Entries) != len(after.Entries) {
			t.Errorf("read again: %s with %d entries, want resolved with %d", got.State, len(got.Entries), len(after.Entries))
		}
	}
}

func TestAFullDisk(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Fatalf("this test needs %s: %v", full, err)
	}
	i, trouble := written(t, full, func(w *world) {
		w.play(1, calm)
		w.play(20, incident.Signals{Traffic: 100, Acting: []string{"recs are refused"}})
	})
	if !strings.Contains(trouble, "no space left") {
		t.Errorf("trouble %q, want that the disk is full", trouble)
	}
	if i.State != incident.Mitigated {
		t.Errorf("state %s: the incident does not go on without a disk", i.State)
	}
}

func TestAFileThatCannotBe(t *testing.T) {
	if _, err := incident.New(incident.Settings{Path: filepath.Join(t.TempDir(), "no", "such", "folder")}); err == nil {
		t.Error("New takes a file in a folder that is not there")
	}
}

func TestWords(t *testing.T) {
	w := newWorld(t, "")
	w.play(1, calm)
	w.play(20, trouble)
	if err := w.book.Note(w.now(), "ana", "<!here> *look* | @channel\n# no"); err != nil {
		t.Fatal(err)
	}
	i := w.show(t)
	u := incident.UpdateOf(i, w.now(), []string{"drain a"})
	for _, want := range []string{"[MONITORING]", "Since: 03:00 UTC", "sessions", "set by hand: drain a", "Next update: 03:30 UTC"} {
		if !strings.Contains(u.Text(), want) {
			t.Errorf("the update lacks %q:\n%s", want, u.Text())
		}
	}
	report := incident.ReportOf(i, w.now(), nil).Markdown()
	for _, bad := range []string{"<!here>", "@channel", "\n# no", "*look*"} {
		if strings.Contains(report, bad) {
			t.Errorf("the report has %q of a note unescaped", bad)
		}
	}
	if _, err := incident.ReportOf(i, w.now(), nil).JSON(); err != nil {
		t.Error(err)
	}
}

func TestTheUpdateIsOfThisMoment(t *testing.T) {
	w := newWorld(t, "")
	w.play(30, calm)
	early := shed.Entry{Kind: "limit", Subject: "recs", From: 30, To: 20, Reason: "latency above target", Time: w.now().Add(100 * time.Millisecond)}
	w.play(1, incident.Signals{Traffic: 100, Title: "Overload of recs", Acting: []string{"recs are refused"}}, early)
	i := w.show(t)
	if i.Title != "Overload of recs" || i.Entries[0].Reason != "recs are refused" {
		t.Errorf("title %q, opened because %q", i.Title, i.Entries[0].Reason)
	}
	w.play(2, trouble)
	i = w.show(t)
	if who := incident.UpdateOf(i, w.now(), nil).Who; !strings.Contains(who, "2 of 2 requests") {
		t.Errorf("two seconds after it began the update says %q", who)
	}
	w.play(7, trouble)
	w.play(1, trouble, shed.Entry{Kind: "limit", Subject: "recs", To: 3, Reason: "r", Time: w.now().Add(time.Second / 2)})
	w.play(12, trouble)
	i = w.show(t)
	if !slices.IsSortedFunc(i.Entries, func(a, b incident.Entry) int { return a.Time.Compare(b.Time) }) {
		for _, e := range i.Entries {
			t.Errorf("out of order: %s", e.Line())
		}
	}
}

func TestARestartForgetsNoLoss(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.jsonl")
	before, _ := written(t, path, func(w *world) {
		w.play(1, calm)
		w.play(30, trouble)
	})
	lost := before.Impact.Routes["recs"].Refused
	after, _ := written(t, path, func(w *world) { w.play(15, trouble) })
	if got := after.Impact.Routes["recs"].Refused; lost < 20 || got < lost+10 {
		t.Errorf("%d were refused before the restart, %d with what came after; want ten more at least", lost, got)
	}
}
