package real

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"triage/bench/origin"
	"triage/bench/sim"
)

var theZoo = sync.OnceValues(sim.Zoo)

func episode(t *testing.T, name string) sim.Episode {
	t.Helper()
	zoo, err := theZoo()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range zoo {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("there is no episode %q", name)
	return sim.Episode{}
}

func trial(t *testing.T, name string, c Choice) Trial {
	t.Helper()
	if c.Draw == "" {
		c.Draw = sim.Development
	}
	c.Number = max(c.Number, 1)
	tr, err := NewTrial(episode(t, name), c)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestTrialsAreTheSameEverywhere(t *testing.T) {
	c := Choice{Lasts: 3 * time.Second}
	a, b := trial(t, "step-x4", c), trial(t, "step-x4", c)
	if !reflect.DeepEqual(a, b) {
		t.Error("one choice gives two trials")
	}
	c.Scale = a.Scale // as it is handed to another process
	if b = trial(t, "step-x4", c); !reflect.DeepEqual(a, b) {
		t.Error("the scale that was chosen, given by hand, gives another trial")
	}
	if a.Scenario.Lasts() > 3*time.Second || a.Scenario.Lasts() < 2999*time.Millisecond {
		t.Errorf("it lasts %v; want 3s", a.Scenario.Lasts())
	}
	if a.Scale >= 1 || a.Scenario.Peak() > 1.1*comfortable {
		t.Errorf("scale %v, %v a second at most; want it scaled below %d", a.Scale, a.Scenario.Peak(), comfortable)
	}
}

func TestWhatCannotBeCarriedOver(t *testing.T) {
	tests := map[string]string{
		"clock-jump": "clocks", "noisy-neighbour": "", "restart-in-the-crowd": "",
		"sub-millisecond": "timers", "step-x4": "", "garbage-collector": "", "slow-endpoint": "", "visits": "", "retry-storm": "",
		"hanging-recs": "", "cold-cache": "", "queue-in-the-backend": "", "two-sidecars": "", "bursts": "",
	}
	for name, want := range tests {
		err := trial(t, name, Choice{}).Carry()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v; want %q", name, err, want)
		}
	}
}

// Every episode that can be carried over gives a backend that origin takes, with faults that it knows.
func TestBackendsOfAllEpisodes(t *testing.T) {
	zoo, err := theZoo()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range zoo {
		tr := trial(t, e.Name, Choice{})
		settings, script := tr.Backend()
		o, err := origin.New(settings)
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
			continue
		}
		if err := o.CheckScript(script); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if len(script) != len(tr.Scenario.Phases) || script[0].At != 0 {
			t.Errorf("%s: %d moments; want one for each of %d phases", e.Name, len(script), len(tr.Scenario.Phases))
		}
	}
}

func TestTheBackendIsTheScenarios(t *testing.T) {
	tr := trial(t, "slow-endpoint", Choice{Scale: 1})
	settings, script := tr.Backend()
	if settings.Endpoints != 4 || len(settings.Pools) != 3 || !settings.Pools[0].Processor || !settings.Pools[0].PerEndpoint {
		t.Errorf("settings %+v; want four endpoints, each with a processor", settings)
	}
	if steps := settings.Routes[0].Steps; len(steps) != 2 || steps[0].Pool != "app" || steps[1].Service.Mean != tr.Scenario.Routes[0].Steps[1].Service.Mean {
		t.Errorf("checkout takes %+v; want the app, then the database", steps)
	}
	if bad := script[1].Bad; bad.Slow < 2 || script[1].At != tr.Scenario.Phases[0].For || script[2].Bad != (origin.BadEndpoint{}) {
		t.Errorf("script %+v; want a slow endpoint in the second phase alone", script)
	}
}

func TestConfiguration(t *testing.T) {
	tr := trial(t, "visits", Choice{})
	text := configuration(tr.Scenario, []string{"http://127.0.0.1:1", "http://127.0.0.1:2"}, 1234, true)
	for _, want := range []string{
		`endpoints: ["http://127.0.0.1:1","http://127.0.0.1:2"], timeout: 15s`, `priorities: ["critical","important","normal","sheddable"]`,
		`{name: "checkout", match: {path: "/checkout"}, upstream: backend, priority: critical, session: {cookie: sid, stage: 4}}`, "connections: 1234",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the configuration has no %q:\n%s", want, text)
		}
	}
	tr.Scenario.Classes, tr.Scenario.Sidecars.Timeout = 6, 800*time.Millisecond
	text = configuration(tr.Scenario, nil, 1, false)
	for _, want := range []string{`"class-5"]`, "priority: class-0", "timeout: 800ms", "breaker: {disabled: true}"} {
		if !strings.Contains(text, want) {
			t.Errorf("with six classes the configuration has no %q:\n%s", want, text)
		}
	}
}

func TestDescriptorsGrowWithTheLoad(t *testing.T) {
	small, large := trial(t, "step-x4", Choice{Scale: 0.1}), trial(t, "step-x4", Choice{Scale: 2})
	if small.Descriptors() >= large.Descriptors() || large.Descriptors() < uint64(2*large.Scenario.Peak()) {
		t.Errorf("%d and %d; want more for more", small.Descriptors(), large.Descriptors())
	}
}
