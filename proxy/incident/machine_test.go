package incident

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// course plays signals, one a second, and gives the states.
func course(m machine, r Rules, from time.Duration, seconds int, s Signals) (machine, time.Duration, []State) {
	var states []State
	for range seconds {
		from += time.Second
		m, _ = m.next(from, s, r)
		states = append(states, m.state)
	}
	return m, from, states
}

var (
	calm   = Signals{Traffic: 100}
	acts   = Signals{Traffic: 100, Acting: []string{"recs are refused"}}
	broken = Signals{Traffic: 100, Unwell: []string{"checkout fails"}}
)

func TestAnIncidentFromItsBeginningToItsEnd(t *testing.T) {
	r := Rules{}.withDefaults()
	m, at, _ := course(machine{}, r, 0, 300, calm)
	for _, step := range []struct {
		name    string
		seconds int
		signals Signals
		want    State
	}{
		{"protection acts", 1, acts, Open},
		{"checkout is well again", 11, acts, Mitigated},
		{"nothing is given up", 11, calm, Watching},
		{"nearly ten minutes", 595, calm, Watching},
		{"ten minutes", 10, calm, Resolved},
		{"it comes back", 1, acts, Open},
	} {
		m, at, _ = course(m, r, at, step.seconds, step.signals)
		if m.state != step.want {
			t.Fatalf("%s: state %s, want %s (missing %v)", step.name, m.state, step.want, m.missing(r))
		}
	}
}

func TestARelapseReopens(t *testing.T) {
	r := Rules{}.withDefaults()
	m, at, _ := course(machine{}, r, 0, 60, calm)
	m, at, _ = course(m, r, at, 12, acts)
	m, at, _ = course(m, r, at, 300, calm)
	if m.state != Watching {
		t.Fatalf("state %s, want watching", m.state)
	}
	m, at, _ = course(m, r, at, 2, broken)
	if m.state != Watching {
		t.Errorf("two bad seconds: state %s, want watching", m.state)
	}
	m, _, _ = course(m, r, at, 2, broken)
	if m.state != Open || m.watched != 0 {
		t.Errorf("four bad seconds: state %s with %v counted, want open and nothing", m.state, m.watched)
	}
}

func TestAQuietNightProvesNothing(t *testing.T) {
	r := Rules{}.withDefaults()
	m, at, _ := course(machine{}, r, 0, 300, calm)
	m, at, _ = course(m, r, at, 12, acts)
	m, at, _ = course(m, r, at, 3600, Signals{Traffic: 50})
	if m.state != Watching {
		t.Fatalf("an hour with half the traffic: state %s, want watching", m.state)
	}
	missing := m.missing(r)
	if len(missing) != 1 || m.watched > time.Minute {
		t.Errorf("missing %q with %v counted, want the time with enough traffic", missing, m.watched)
	}
	if m, _, _ = course(m, r, at, 700, calm); m.state != Resolved {
		t.Errorf("ten minutes of the usual traffic: state %s, want resolved", m.state)
	}
}

func TestALeverThatIsLeftKeepsItOpen(t *testing.T) {
	r := Rules{}.withDefaults()
	left := Signals{Traffic: 100, Levers: []string{"drain a by ana"}}
	m, at, _ := course(machine{}, r, 0, 60, calm)
	m, at, _ = course(m, r, at, 12, acts)
	m, at, _ = course(m, r, at, 2000, left)
	if m.state != Watching || len(m.missing(r)) != 1 {
		t.Fatalf("state %s, missing %q; want watching, and the lever", m.state, m.missing(r))
	}
	if m, _, _ = course(m, r, at, 1, calm); m.state != Resolved {
		t.Errorf("the lever is taken back: state %s, want resolved", m.state)
	}
}

func TestAClockThatJumpsResolvesNothing(t *testing.T) {
	r := Rules{}.withDefaults()
	m, at, _ := course(machine{}, r, 0, 60, calm)
	m, at, _ = course(m, r, at, 12, acts)
	m, at, _ = course(m, r, at, 30, calm)
	for _, jump := range []time.Duration{24 * time.Hour, -time.Hour, 0} {
		before := m.watched
		m, _ = m.next(at+jump, calm, r)
		if m.state != Watching || m.watched-before > longestStep {
			t.Errorf("a jump by %v: state %s, %v more counted; want watching, and %v at most", jump, m.state, m.watched-before, longestStep)
		}
	}
}

// TestTheMachineInDrawnWorlds holds the sentences of the package comment.
func TestTheMachineInDrawnWorlds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rules{ResolveAfter: 30 * time.Second}.withDefaults()
		m, at := machine{}, time.Duration(0)
		everBad := false
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			at += time.Duration(rapid.IntRange(-1000, 3000).Draw(t, "ms")) * time.Millisecond
			s := Signals{Traffic: rapid.Float64Range(0, 200).Draw(t, "traffic")}
			switch rapid.IntRange(0, 12).Draw(t, "what") {
			case 0:
				s.Acting = acts.Acting
			case 1:
				s.Unwell = broken.Unwell
			case 2:
				s.Levers = []string{"x"}
			}
			before := m
			var why string
			m, why = m.next(at, s, r)
			if len(s.Acting)+len(s.Unwell)+len(s.Levers) > 0 {
				everBad = true
			}
			switch {
			case (m.state != before.state) != (why != "") && m.state != Quiet && before.state != "":
				t.Fatalf("%s to %s with the reason %q", before.state, m.state, why)
			case m.state == Resolved && before.state != Resolved && (before.state != Watching || len(s.Acting)+len(s.Unwell)+len(s.Levers) > 0):
				t.Fatalf("resolved from %s with %+v", before.state, s)
			case m.state == Resolved && before.state != Resolved && !everBad:
				t.Fatal("resolved, and nothing ever was wrong")
			case m.watched < 0 || m.watched > before.watched+longestStep:
				t.Fatalf("%v counted after %v", m.watched, before.watched)
			case m.state != Quiet && m.state != Resolved && len(m.missing(r)) == 0 && m.state != Open && m.state != Mitigated:
				t.Fatalf("%s, and nothing is missing", m.state)
			case m.state == Mitigated && before.state == Open && m.well < r.Hold:
				t.Fatalf("mitigated after %v", m.well)
			}
		}
	})
}
