package sim

import (
	"math"
	"slices"
	"time"
)

// Measure is something that a run is judged by.
type Measure struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
	Unit string `json:"unit"` // "" is a ratio
	// Goal is what is asked for: at least, if AtLeast is set, else at most.
	Goal    float64 `json:"goal"`
	AtLeast bool    `json:"at_least"`
}

// Measures gives all measures, in the order of Values.
func Measures() []Measure {
	return []Measure{
		{"critical", "share of critical requests served ÷ the oracle's share, while something is wrong", "", 0.99, true},
		{"first_load", "the same in the first second after a change of load, the worst change", "", 0.99, true},
		{"first_drop", "the same in the first second after a change of the backend, the worst change", "", 0.9, true},
		{"total", "all requests served ÷ those that the oracle serves, while something is wrong", "", 0.95, true},
		{"sessions", "journeys completed ÷ those that the oracle completes, from the first trouble on", "", 0.97, true},
		{"calm_refused", "attempts refused while nothing is wrong, beginning 5 s after trouble", "%", 0.1, false},
		{"slow_refused", "attempts refused while the backend is slow but not overloaded", "%", 1, false},
		{"critical_refused", "critical attempts refused in those two", "n", 0, false},
		{"innocent_refused", "attempts refused of routes that no trouble touches, while something is wrong", "%", 1, false},
		{"inversions", "attempts refused while a less important route on the same resource was let run in the same second, one a second and route apart, of all attempts while something is wrong", "%", 0.1, false},
		{"protect", "from trigger to three half seconds in which no more critical requests are lost than the oracle loses, but 1 % or one", "s", 1.5, false},
		{"recover", "from the trouble's end to the same of all requests", "s", 5, false},
		{"p99", "p99 of admitted critical ÷ (unloaded p99 · slowdown of its resources), the worst phase", "×", 2, false},
		{"limit_cv", "standard deviation ÷ mean of the policy's limit, from 5 s after the trigger on", "", 0.1, false},
		{"limit_flips", "turns of that limit by a quarter of its mean or more", "/min", 2, false},
		{"probes", "critical requests spent on finding out whether a breaker may close", "n", 0, false},
	}
}

// Values are what came of Measures; NaN where a measure does not apply.
type Values []float64

// Met reports whether a value reaches the measure's goal; what does not apply does.
func (m Measure) Met(v float64) bool {
	switch {
	case math.IsNaN(v):
		return true
	case m.AtLeast:
		return v >= m.Goal
	}
	return v <= m.Goal
}

const (
	recovery    = 5 * time.Second // granted after trouble before refusals are held against a policy
	settled     = 5 * time.Second // after the trigger a limit has to stand
	steadyTurns = 3               // half seconds in a row
	fewLimits   = 20
	fewSamples  = 100
)

// judge compares a run with the oracle's run of the same scenario and seed.
type judge struct {
	sc    Scenario
	got   *Result
	ideal *Result
}

// Judge gives the values of a run; ideal is the oracle's.
func Judge(sc Scenario, got, ideal *Result) Values {
	j := judge{sc.defaults(), got, ideal}
	calm, calmCritical := j.refused(Calm)
	slow, slowCritical := j.refused(Slow)
	cv, flips := j.steadiness()
	probes := math.NaN()
	if got.CriticalProbes >= 0 {
		probes = float64(got.CriticalProbes)
	}
	return Values{
		j.critical(), j.first(false), j.first(true), j.total(), j.sessions(),
		calm, slow, float64(calmCritical + slowCritical), j.innocents(), j.inversions(),
		j.protect(), j.recover(), j.p99(), cv, flips, probes,
	}
}

// fewServed is how many requests the oracle must serve before a ratio to it says anything.
const fewServed = 10

// ratioTo compares with what the oracle served; NaN if that was next to nothing.
func ratioTo(got, ideal int) float64 {
	if ideal < fewServed {
		return math.NaN()
	}
	return ratio(got, ideal)
}

// shareTo is the share served ÷ the share that the oracle served.
func shareTo(served, offered, idealServed, idealOffered int) float64 {
	if idealServed < fewServed {
		return math.NaN()
	}
	return ratio(served, offered) / ratio(idealServed, idealOffered)
}

// ratio of two counts; NaN if there was nothing.
func ratio(got, ideal int) float64 {
	if ideal == 0 {
		return math.NaN()
	}
	return float64(got) / float64(ideal)
}

func (j judge) wrong(i int) bool { return or(j.sc.Phases[i].Label, Calm) != Calm }

// anyWrong reports whether the scenario has trouble at all; if not, all of it counts where else only trouble would.
func (j judge) anyWrong() bool {
	for i := range j.sc.Phases {
		if j.wrong(i) {
			return true
		}
	}
	return false
}

// count adds up what was offered and served, of the critical routes or of all.
func (j judge) count(tallies map[string]*Tally, critical bool) (offered, served int) {
	for _, r := range j.sc.Routes {
		if !critical || r.Class == 0 {
			offered += tallies[r.Name].Offered
			served += tallies[r.Name].Served
		}
	}
	return offered, served
}

// critical compares shares, not numbers: how many users of journeys come as far as a critical request is the policy's doing, but
// another measure.
func (j judge) critical() float64 {
	var offered, served, idealOffered, idealServed int
	for i := range j.sc.Phases {
		if j.wrong(i) || !j.anyWrong() {
			o, s := j.count(j.got.Phases[i], true)
			io, is := j.count(j.ideal.Phases[i], true)
			offered, served, idealOffered, idealServed = offered+o, served+s, idealOffered+io, idealServed+is
		}
	}
	return shareTo(served, offered, idealServed, idealOffered)
}

func (j judge) total() float64 {
	got, ideal := 0, 0
	for i := range j.sc.Phases {
		if j.wrong(i) || !j.anyWrong() {
			_, s := j.count(j.got.Phases[i], false)
			_, is := j.count(j.ideal.Phases[i], false)
			got, ideal = got+s, ideal+is
		}
	}
	return ratioTo(got, ideal)
}

// drops reports whether a phase changes the backend.
func (p Phase) drops() bool {
	faults := len(p.Slow) + len(p.SlowRoutes) + len(p.Size) + len(p.Bound) + len(p.Fail) + len(p.Hang) + len(p.Cold)
	return faults > 0 || p.BadEndpoint != BadEndpoint{}
}

func (j judge) first(drop bool) float64 {
	worst := math.NaN()
	for i, p := range j.sc.Phases {
		if !j.wrong(i) || p.drops() != drop {
			continue
		}
		o, s := j.count(j.got.First[i], true)
		io, is := j.count(j.ideal.First[i], true)
		v := shareTo(s, o, is, io)
		if !(v >= worst) && !math.IsNaN(v) {
			worst = v
		}
	}
	return worst
}

// trouble is when the first trouble begins; 0 if there is none.
func (j judge) trouble() time.Duration {
	for i := range j.sc.Phases {
		if j.wrong(i) {
			return j.got.begin[i]
		}
	}
	return 0
}

func (j judge) sessions() float64 {
	got, ideal := 0, 0
	for i := int(j.trouble() / window); i < len(j.got.Visits); i++ {
		got += j.got.Visits[i].Completed
		ideal += j.ideal.Visits[i].Completed
	}
	return ratioTo(got, ideal)
}

// windows gives the half seconds that lie in a phase, leaving some time out at its beginning.
func (j judge) windows(i int, skip time.Duration) (from, to int) {
	begin := j.got.begin[i]
	from = int((begin + skip + window - 1) / window)
	return from, int((begin + j.sc.Phases[i].For) / window)
}

// refused is the share of attempts refused in the phases with a label, in per cent, and how many critical ones there were.
func (j judge) refused(l Label) (percent float64, critical int) {
	attempts, refusals := 0, 0
	for i, p := range j.sc.Phases {
		if or(p.Label, Calm) != l {
			continue
		}
		skip := time.Duration(0)
		if i > 0 && j.wrong(i-1) && or(j.sc.Phases[i-1].Label, Calm) != Slow {
			skip = recovery
		}
		from, to := j.windows(i, skip)
		for k := from; k < to; k++ {
			for r, c := range j.got.Windows[k] {
				attempts += c.Attempts
				refusals += c.Refusals
				if j.sc.Routes[r].Class == 0 {
					critical += c.Refusals
				}
			}
		}
	}
	return 100 * ratio(refusals, attempts), critical
}

func (j judge) innocents() float64 {
	attempts, refusals := 0, 0
	for i := range j.sc.Phases {
		from, to := j.windows(i, 0)
		for k := from; k < to && j.wrong(i); k++ {
			for r, c := range j.got.Windows[k] {
				if slices.Contains(j.sc.Innocent, j.sc.Routes[r].Name) {
					attempts += c.Attempts
					refusals += c.Refusals
				}
			}
		}
	}
	return 100 * ratio(refusals, attempts)
}
