package lever_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"triage/proxy"
	"triage/proxy/lever"
)

var night = time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)

// rig is a book over a proxy that only remembers what was set.
type rig struct {
	*lever.Book
	set  proxy.Hand
	fail error
}

func newRig(t *testing.T, path string, now time.Time) *rig {
	t.Helper()
	r := &rig{}
	var err error
	r.Book, err = lever.New(now, lever.Settings{
		Path: path,
		Set: func(h proxy.Hand) error {
			if r.fail == nil {
				r.set = h
			}
			return r.fail
		},
		Snapshot: func() proxy.Snapshot {
			return proxy.Snapshot{
				Priorities: []string{"critical", "sheddable"},
				Routes:     []proxy.RouteSnapshot{{Name: "checkout", Priority: "critical"}, {Name: "recs", Priority: "sheddable"}},
				Upstreams:  []proxy.UpstreamSnapshot{{Name: "shop", Endpoints: []proxy.EndpointSnapshot{{URL: "http://a"}, {URL: "http://b"}}}},
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pulled(kind lever.Kind, target, value string) lever.Lever {
	return lever.Lever{Kind: kind, Target: target, Value: value, Who: "ana", Why: "the database is slow"}
}

func TestEveryLeverIsPulledAndUndone(t *testing.T) {
	for _, tt := range []struct {
		lever lever.Lever
		seen  func(proxy.Hand) bool
	}{
		{pulled(lever.Class, "recs", "critical"), func(h proxy.Hand) bool { return h.Classes["recs"] == 0 && len(h.Classes) == 1 }},
		{pulled(lever.Shed, "recs", "60%"), func(h proxy.Hand) bool { return h.Shed["recs"] == 0.6 }},
		{pulled(lever.Limit, "recs", "7"), func(h proxy.Hand) bool { return h.Limits["recs"] == 7 }},
		{pulled(lever.Breaker, "recs", "open"), func(h proxy.Hand) bool { return h.Breakers["recs"] == "open" }},
		{pulled(lever.Drain, "http://a", ""), func(h proxy.Hand) bool { return h.Drained["http://a"] }},
		{pulled(lever.Freeze, "shop", ""), func(h proxy.Hand) bool { return h.Frozen["shop"] }},
		{pulled(lever.Kill, "", ""), func(h proxy.Hand) bool { return h.Off }},
	} {
		t.Run(tt.lever.String(), func(t *testing.T) {
			r := newRig(t, "", night)
			untouched := newRig(t, "", night)
			l, err := r.Pull(night, tt.lever, 0, "admin")
			if err != nil || !tt.seen(r.set) || l.Until != night.Add(time.Hour) {
				t.Fatalf("pulled: %v, set %+v, until %v", err, r.set, l.Until)
			}
			if err := r.Undo(night, l.ID, "ben", "over", "operator"); err != nil || tt.seen(r.set) || len(r.Pulled()) != 0 {
				t.Errorf("undone: %v, set %+v", err, r.set)
			}
			if err := untouched.Undo(night, 1, "ben", "", "admin"); !errors.Is(err, lever.ErrUnknown) {
				t.Errorf("undoing what is not pulled: %v", err)
			}
		})
	}
}

func TestLeversThatCannotBe(t *testing.T) {
	r := newRig(t, "", night)
	for _, tt := range []struct {
		lever lever.Lever
		lasts time.Duration
		role  string
		want  string
	}{
		{pulled("magic", "recs", ""), 0, "admin", "is no lever; want class"},
		{pulled(lever.Shed, "nobody", "5%"), 0, "admin", `no route "nobody"`},
		{pulled(lever.Shed, "recs", "500%"), 0, "admin", "want more than 0%"},
		{pulled(lever.Limit, "recs", "0"), 0, "admin", "from 1 to"},
		{pulled(lever.Breaker, "recs", "ajar"), 0, "admin", "want open or closed"},
		{pulled(lever.Class, "recs", "royal"), 0, "admin", "want critical, sheddable"},
		{pulled(lever.Drain, "http://c", ""), 0, "admin", "no endpoint"},
		{pulled(lever.Freeze, "x", ""), 0, "admin", "no upstream"},
		{pulled(lever.Kill, "shop", ""), 0, "admin", "no target"},
		{pulled(lever.Shed, "recs", "5%"), 100 * time.Hour, "admin", "want 1s to 72h"},
		{lever.Lever{Kind: lever.Kill, Who: "ana"}, 0, "admin", "the reason is empty"},
		{pulled(lever.Kill, "", ""), 0, "operator", "want admin"},
		{pulled(lever.Shed, "checkout", "5%"), 0, "operator", "want admin"},
		{pulled(lever.Class, "checkout", "sheddable"), 0, "operator", "want admin"},
		{pulled(lever.Breaker, "checkout", "open"), 0, "operator", "want admin"},
	} {
		if _, err := r.Pull(night, tt.lever, tt.lasts, tt.role); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s for %v by %s: %v, want %q", tt.lever, tt.lasts, tt.role, err, tt.want)
		}
	}
	if len(r.Pulled()) != 0 || !reflect.DeepEqual(r.set, proxy.Hand{}) {
		t.Errorf("something was set: %v %+v", r.Pulled(), r.set)
	}
	r.fail = errors.New("no endpoint left")
	if _, err := r.Pull(night, pulled(lever.Drain, "http://a", ""), 0, "operator"); err == nil || len(r.Pulled()) != 0 {
		t.Errorf("what the proxy refuses counts as pulled: %v", err)
	}
}

func TestALeverExpires(t *testing.T) {
	r := newRig(t, "", night)
	if _, err := r.Pull(night, pulled(lever.Shed, "recs", "0.5"), time.Minute, "operator"); err != nil {
		t.Fatal(err)
	}
	r.Tick(night.Add(59 * time.Second))
	if r.set.Shed["recs"] != 0.5 {
		t.Error("it is over too soon")
	}
	r.Tick(night.Add(-time.Hour)) // the clock is set back
	if r.set.Shed["recs"] != 0.5 {
		t.Error("a clock that is set back ends it")
	}
	r.Tick(night.Add(time.Minute))
	if len(r.set.Shed) != 0 || len(r.Pulled()) != 0 {
		t.Errorf("after its time: %+v", r.set)
	}
}

func TestTheAuditLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	r := newRig(t, path, night)
	first, err := r.Pull(night, pulled(lever.Shed, "recs", "50%"), time.Hour, "operator")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Pull(night, pulled(lever.Shed, "recs", "80%"), 2*time.Hour, "operator"); err != nil {
		t.Fatal(err)
	}
	if err := r.Undo(night, first.ID, "ana", "", "operator"); !errors.Is(err, lever.ErrUnknown) {
		t.Errorf("the lever that was replaced can be undone: %v", err)
	}
	if _, err := r.Pull(night, pulled(lever.Kill, "", ""), 0, "operator"); err == nil {
		t.Error("an operator kills")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"did":"pulled","who":"ana","role":"operator"`, `"did":"replaced"`, `"before":["shed recs=50%"],"after":["shed recs=80%"]`, `"did":"refused"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the audit log lacks %s:\n%s", want, text)
		}
	}
	r.Note(lever.Line{Time: night, Did: "reloaded", Who: "ana", Before: []string{"configuration a"}, After: []string{"configuration b"}})
	if text, err = os.ReadFile(path); err != nil || !strings.Contains(string(text), `"did":"reloaded","who":"ana","before":["configuration a"],"after":["configuration b"]`) {
		t.Errorf("a reload is not in the audit log, %v:\n%s", err, text)
	}
	// A crash in the middle of a line, and a restart.
	if err := os.WriteFile(path, append(text, `{"did":"pul`...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := newRig(t, path, night.Add(time.Minute))
	if again.set.Shed["recs"] != 0.8 || len(again.Pulled()) != 1 {
		t.Errorf("after a restart: %+v, want what was pulled", again.set)
	}
	if _, err := again.Pull(night, pulled(lever.Drain, "http://a", ""), 0, "operator"); err != nil {
		t.Fatal(err)
	}
	late := newRig(t, path, night.Add(3*time.Hour))
	if len(late.Pulled()) != 0 {
		t.Errorf("after a restart three hours later: %v, want nothing", late.Pulled())
	}
}

func TestAnAuditLogOnAFullDisk(t *testing.T) {
	r := newRig(t, "/dev/full", night)
	if _, err := r.Pull(night, pulled(lever.Shed, "recs", "50%"), 0, "operator"); err != nil || r.set.Shed["recs"] != 0.5 {
		t.Errorf("the lever does not work without a disk: %v", err)
	}
	if !strings.Contains(r.Trouble(), "no space left") {
		t.Errorf("trouble %q, want that the disk is full", r.Trouble())
	}
}
