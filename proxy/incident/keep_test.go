package incident_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"triage/proxy/incident"
	"triage/shed"
)

func TestWhatComesBackIsTheSameIncident(t *testing.T) {
	w := newWorld(t, "")
	w.play(30, calm)
	w.play(20, trouble)
	w.play(90, calm)
	first := w.show(t)
	w.play(60, calm)
	w.play(2, trouble)
	again := w.show(t)
	if first.State != incident.Resolved || again.ID != first.ID || again.State != incident.Open || again.Reopened != 1 || !again.ResolvedAt.IsZero() {
		t.Errorf("%s %s, then %s %s, came back %d times; want the same, open again", first.ID, first.State, again.ID, again.State, again.Reopened)
	}
	w.play(90, calm)
	w.play(31*60, calm)
	w.play(2, trouble)
	if late := w.show(t); late.ID == first.ID {
		t.Error("half an hour after its end trouble is still the same incident")
	}
}

func TestAWallClockThatJumps(t *testing.T) {
	w := newWorld(t, "")
	w.play(30, calm)
	w.play(20, trouble)
	for _, jump := range []time.Duration{24 * time.Hour, -48 * time.Hour} {
		w.at += time.Second
		w.book.Observe(w.now().Add(jump), w.at, incident.Observation{Signals: calm, Totals: map[string]incident.Counts{}})
		i := w.show(t)
		if i.State != incident.Mitigated || i.Lasted(w.now().Add(jump)) < 0 || len(i.Missing) == 0 {
			t.Errorf("after a jump by %v: %s, lasted %v, missing %q", jump, i.State, i.Lasted(w.now().Add(jump)), i.Missing)
		}
	}
	w.play(90, calm)
	if i := w.show(t); i.State != incident.Resolved {
		t.Errorf("afterwards: %s, want resolved after a calm minute", i.State)
	}
}

func TestRetention(t *testing.T) {
	b, err := incident.New(incident.Settings{Retain: 24 * time.Hour, Rules: incident.Rules{ResolveAfter: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{book: b}
	for range 3 {
		w.play(30, calm)
		w.play(20, trouble)
		w.play(90, calm)
		w.at += 23 * time.Hour
		w.play(2, calm)
	}
	if n := len(w.book.List()); n != 2 {
		t.Errorf("%d incidents are kept for a day, one every 23 hours; want the newest and the one before", n)
	}
}

func TestTheFileDoesNotGrowForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.jsonl")
	events := func(w *world) (out []shed.Entry) {
		for n := range 50 {
			out = append(out, shed.Entry{Kind: "limit", Subject: string(rune('a' + n)), Reason: strings.Repeat("r", 4000), Time: w.now()})
		}
		return out
	}
	seconds := 0
	before, _ := written(t, path, func(w *world) {
		w.play(1, calm)
		w.play(20, trouble)
		w.play(90, calm)
		first := w.show(t)
		w.play(31*60, calm)
		w.play(1, trouble)
		w.book.Told(w.now(), first.ID, "slack", "taken", "") // late
		for range 3 {
			for range 30 {
				w.play(1, trouble, events(w)...)
				seconds++
			}
			synctest.Wait() // the disk keeps pace
		}
		if err := w.book.Note(w.now(), "ana", "still here"); err != nil {
			t.Error(err)
		}
	})
	info, err := os.Stat(path)
	if err != nil || info.Size() > 16<<20 {
		t.Errorf("the file has %d bytes after %d of entries, %v; want no more than twice what is kept", info.Size(), seconds*50*4000, err)
	}
	again := newWorld(t, path)
	if all := again.book.List(); len(all) != 2 {
		t.Errorf("read again: %d incidents, want both", len(all))
	}
	after := again.show(t)
	if after.ID != before.ID || len(after.Entries) < 2000 || after.Entries[0].Kind != incident.Opened || after.Entries[len(after.Entries)-2].Reason != "still here" && after.Entries[len(after.Entries)-1].Reason != "still here" {
		t.Errorf("read again: %s with %d entries; want %s with all that are kept, the note last", after.ID, len(after.Entries), before.ID)
	}
}

func TestWordThatWentOutIsOnTheTimeline(t *testing.T) {
	w := newWorld(t, "")
	w.play(1, calm)
	w.play(20, trouble)
	w.play(90, calm)
	i := w.show(t)
	w.book.Told(w.now(), i.ID, "slack", "given up", "refused for good")
	w.book.Told(w.now(), "another", "slack", "taken", "")
	i = w.show(t)
	last := i.Entries[len(i.Entries)-1]
	if last.Kind != incident.Told || last.Subject != "slack" || last.To != "given up" || i.State != incident.Resolved {
		t.Errorf("the last entry is %q", last.Line())
	}
}
