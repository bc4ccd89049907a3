package real

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"triage/bench/origin"
	"triage/bench/record"
	"triage/bench/sim"
)

// Report is runs, and where and when they were made.
type Report struct {
	Command string         `json:"command"`
	Version string         `json:"version"`
	Commit  string         `json:"commit"`
	Go      string         `json:"go"`
	Date    time.Time      `json:"date"`
	Machine record.Machine `json:"machine"`
	Runs    []Run          `json:"runs"`
}

// Run is one trial in both worlds.
type Run struct {
	Episode string   `json:"episode"`
	Draw    sim.Draw `json:"draw"`
	Seed    int      `json:"seed"`
	Dice    uint64   `json:"dice"`
	Scale   float64  `json:"scale"`
	Seconds float64  `json:"seconds"`
	// Pools are the sizes of the backend's resources.
	Pools map[string]int `json:"pools"`
	Peak  float64        `json:"peak_per_second"`
	// Busy is the machine's load average before the run.
	Busy string `json:"load_average_before"`
	// Sent counts attempts, Late those that this machine sent more than 5 ms late, Overrun those that it did not send, LateAnswers those
	// whose service the backend noticed to be over more than 5 ms late.
	Sent        uint64 `json:"sent"`
	Late        uint64 `json:"late"`
	Overrun     uint64 `json:"overrun"`
	LateAnswers uint64 `json:"late_answers"`
	// Asked counts how often the proxy was asked for its status, Slow how often that took more than 20 ms.
	Asked int `json:"asked"`
	Slow  int `json:"slow_status"`
	// Voided is how many runs were made before this one in which the machine was measured.
	Voided int `json:"voided,omitempty"`
	// Cut is set if the run ended before its time; everything is of what was run.
	Cut     bool                   `json:"cut_short,omitempty"`
	Lines   []Line                 `json:"measures"`
	Classes []Class                `json:"classes"`
	Calm    Calm                   `json:"calm_latency_of_critical"`
	Reasons Reasons                `json:"refusals_by_route_and_reason"`
	Backend []origin.RouteSnapshot `json:"backend_counts"`

	// As a record keeps it.
	scenario      record.Scenario
	real, virtual record.Trial
}

// Class is what became of a class while something was wrong; if nothing ever is, in all phases.
type Class struct {
	Name    string `json:"name"`
	Offered int    `json:"offered"`
	// Shares of the offered that were served.
	Real    share `json:"real"`
	Virtual share `json:"simulated"`
	Oracle  share `json:"oracle"`
}

// Calm is the latency of critical requests in the first phase, in seconds: what proxy and sockets add to the service.
type Calm struct {
	RealP50    float64 `json:"real_p50"`
	RealP99    float64 `json:"real_p99"`
	VirtualP50 float64 `json:"simulated_p50"`
	VirtualP99 float64 `json:"simulated_p99"`
}

// Reasons count refusals in both worlds.
type Reasons struct {
	Real    map[string]int `json:"real"`
	Virtual map[string]int `json:"simulated"`
}

// share is a number that may be missing: NaN, which JSON does not know.
type share float64

// MarshalJSON gives null for what is missing.
func (s share) MarshalJSON() ([]byte, error) {
	if v := float64(s); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(s))
}

// MarshalJSON gives null for values that are missing.
func (l Line) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Measure   string  `json:"measure"`
		Real      share   `json:"real"`
		Virtual   share   `json:"simulated"`
		Differs   share   `json:"difference"`
		Margin    float64 `json:"margin"`
		Least     share   `json:"simulated_least"`
		Most      share   `json:"simulated_most"`
		Goal      float64 `json:"goal"`
		AtLeast   bool    `json:"at_least"`
		Met       bool    `json:"goal_met"`
		Judgement Verdict `json:"verdict"`
	}{
		l.Measure.Name, share(l.Real), share(l.Virtual), share(l.Difference()), l.Margin, share(l.Least), share(l.Most),
		l.Measure.Goal, l.Measure.AtLeast, l.Measure.Met(l.Real), l.Verdict,
	})
}

// NewRun makes the record of a trial.
func NewRun(t Trial, seen Seen, v Virtual, busy string) (Run, error) {
	sc := seen.Scenario
	r := Run{
		Episode: t.Episode, Draw: t.Draw, Seed: t.Number, Dice: t.Dice, Scale: t.Scale, Seconds: sc.Lasts().Seconds(),
		Pools: map[string]int{}, Peak: sc.Peak(), Busy: busy, Late: seen.Clients.Late, LateAnswers: seen.Backend.Late, Asked: seen.Asked, Slow: seen.Slow, Cut: seen.Cut,
		Lines: Compare(seen, v), Backend: seen.Backend.Routes,
		Reasons: Reasons{seen.Result.Reasons, v.Law.Reasons}, real: seen.Recorded(v), virtual: v.Recorded(sc),
	}
	var err error
	if r.scenario, err = t.Recorded(sc); err != nil {
		return r, err
	}
	for _, p := range sc.Resources {
		r.Pools[p.Name] = p.Size
	}
	for _, c := range seen.Clients.Classes {
		r.Sent += c.Total.Offered
		r.Overrun += c.Total.Overrun
	}
	for class := range sc.Classes {
		if c := classOf(sc, class, seen.Result, v); c.Offered > 0 {
			r.Classes = append(r.Classes, c)
		}
	}
	real, virtual := latencies(sc, seen.Result), latencies(sc, v.Law)
	r.Calm = Calm{real.Quantile(0.5).Seconds(), real.Quantile(0.99).Seconds(), virtual.Quantile(0.5).Seconds(), virtual.Quantile(0.99).Seconds()}
	return r, nil
}

func classOf(sc sim.Scenario, class int, seen *sim.Result, v Virtual) Class {
	c := Class{Name: className(sc.Classes, class)}
	share := func(r *sim.Result) (served share, offered int) {
		got := 0
		for i, p := range sc.Phases {
			if troubled(sc) && (p.Label == sim.Calm || p.Label == "") {
				continue
			}
			for _, route := range sc.Routes {
				if route.Class == class {
					offered += r.Phases[i][route.Name].Offered
					got += r.Phases[i][route.Name].Served
				}
			}
		}
		return quotient(got, offered), offered
	}
	c.Real, c.Offered = share(seen)
	c.Virtual, _ = share(v.Law)
	c.Oracle, _ = share(v.Oracle)
	return c
}

func troubled(sc sim.Scenario) bool {
	return slices.ContainsFunc(sc.Phases, func(p sim.Phase) bool { return p.Label != sim.Calm && p.Label != "" })
}

func quotient(a, b int) share {
	if b == 0 {
		return share(math.NaN())
	}
	return share(float64(a) / float64(b))
}

// latencies are those of critical requests in the first phase, sorted.
func latencies(sc sim.Scenario, r *sim.Result) (all sim.Tally) {
	for _, route := range sc.Routes {
		if route.Class == 0 {
			all.Latency = append(all.Latency, r.Phases[0][route.Name].Latency...)
		}
	}
	slices.Sort(all.Latency)
	return all
}

// LateShare is the share of attempts that were sent late or not at all.
func (r Run) LateShare() float64 {
	if r.Sent == 0 {
		return 0
	}
	return float64(r.Late+r.Overrun) / float64(r.Sent)
}

// LateAnswerShare is the share of what the backend was asked that it noticed late.
func (r Run) LateAnswerShare() float64 {
	begun := uint64(0)
	for _, b := range r.Backend {
		begun += b.Begun
	}
	return float64(r.LateAnswers) / float64(max(begun, 1))
}

// SlowShare is the share of questions for its status to which the proxy was slow to answer.
func (r Run) SlowShare() float64 { return float64(r.Slow) / float64(max(r.Asked, 1)) }

// tooLate is the share of late sends, answers or words above which the machine has been measured, and not the proxy.
const tooLate = 0.02

// Notes are what a reader has to know before the numbers.
func (r Run) Notes() (notes []string) {
	if r.Cut {
		notes = append(notes, fmt.Sprintf("The run was cut short: these are its first %.1f seconds, in both worlds.", r.Seconds))
	}
	if !r.Valid() {
		notes = append(notes, fmt.Sprintf("%.1f %% of the requests were sent late or not at all, %.1f %% of the answers were late, and of its words %.1f %%: this machine was measured, not Triage.",
			100*r.LateShare(), 100*r.LateAnswerShare(), 100*r.SlowShare()))
	}
	if r.Voided > 0 {
		notes = append(notes, fmt.Sprintf("%d runs before this one were thrown away, because many requests were late in them.", r.Voided))
	}
	for _, b := range r.Backend {
		if b.Stopped > 0 {
			notes = append(notes, fmt.Sprintf("The backend was stopped while it worked on %d requests of %s.", b.Stopped, b.Name))
		}
	}
	if n := breakers(r.Reasons.Real); n > 0 {
		notes = append(notes, fmt.Sprintf("%d requests were refused by breakers; in the simulation %d.", n, breakers(r.Reasons.Virtual)))
	}
	return notes
}

func breakers(reasons map[string]int) (n int) {
	for name, count := range reasons {
		if strings.HasSuffix(name, " breaker") {
			n += count
		}
	}
	return n
}

// Valid says that the proxy was measured, and not the machine.
func (r Run) Valid() bool { return max(r.LateShare(), r.LateAnswerShare(), r.SlowShare()) <= tooLate }

// valid are the runs that count.
func (r Report) valid() (runs []Run) {
	for _, run := range r.Runs {
		if run.Valid() {
			runs = append(runs, run)
		}
	}
	return runs
}

// Agree counts the measures of all valid runs by verdict.
func (r Report) Agree() map[Verdict]int {
	counts := map[Verdict]int{}
	for _, run := range r.valid() {
		for _, l := range run.Lines {
			counts[l.Verdict]++
		}
	}
	return counts
}
