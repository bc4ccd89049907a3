package record

import (
	"encoding/json"
	"time"
)

// Schema is the number of the shape that this program writes.
const Schema = 1

// Kind is the command that wrote a record.
type Kind string

// The kinds.
const (
	Run     Kind = "run"     // one proxy, beside the simulation
	Compare Kind = "compare" // several, in interleaved rounds
	Cost    Kind = "cost"    // what a request costs
)

// Record is what came of one command.
type Record struct {
	Schema int  `json:"schema"`
	Kind   Kind `json:"kind"`
	// Command is what would be typed to measure the same again.
	Command string    `json:"command"`
	Begun   time.Time `json:"begun"`
	// Ended is the zero time as long as the command runs.
	Ended time.Time `json:"ended,omitzero"`
	// Cut says why it ended before its time; "": it did not.
	Cut     string  `json:"cut_short,omitempty"`
	Triage  Program `json:"triage"`
	Machine Machine `json:"machine"`
	// Reference is the peer to which ratios are taken; "": to none.
	Reference string     `json:"reference,omitempty"`
	Scenarios []Scenario `json:"scenarios"`
	Peers     []Peer     `json:"peers"`
	Measures  []Measure  `json:"measures"`
	Runs      []Trial    `json:"runs"`
}

// Program is a version of this program.
type Program struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Scenario is what was asked of all peers.
type Scenario struct {
	Name string `json:"name"`
	Doc  string `json:"doc,omitempty"`
	// Draw is which of the scenarios the seed has drawn it from; Dice is what users and service times are drawn from.
	Draw string `json:"draw,omitempty"`
	Seed int    `json:"seed"`
	Dice uint64 `json:"dice,omitempty"`
	// Numbers are its sizes by name and unit, such as "pool db" or "peak a second": what a reader wants to know.
	Numbers map[string]float64 `json:"numbers,omitempty"`
	// Drawn is the whole of it, as the harness has it.
	Drawn json.RawMessage `json:"drawn,omitempty"`
	// Classes come most important first.
	Classes []string `json:"classes,omitempty"`
	Phases  []Phase  `json:"phases,omitempty"`
}

// Phase is a stretch of time, in seconds since the beginning.
type Phase struct {
	Name string `json:"name"`
	// Is says what is true of it: calm, slow, overload or errors; "" is not said.
	Is   string  `json:"is,omitempty"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Peer is something that stood between clients and backend.
type Peer struct {
	Name    string `json:"name"`
	Doc     string `json:"doc,omitempty"`
	Version string `json:"version,omitempty"`
	// Tuned is set if its configuration knows what it could not know.
	Tuned bool `json:"tuned_by_hand,omitempty"`
	// Simulated is set if its runs are in virtual time.
	Simulated bool   `json:"simulated,omitempty"`
	Config    string `json:"config,omitempty"`
	// Absent says why it was not measured; "": it was.
	Absent string `json:"absent,omitempty"`
}

// Measure says what values of its name mean.
type Measure struct {
	Name string `json:"name"`
	Doc  string `json:"doc,omitempty"`
	// Unit is "" for a ratio.
	Unit string `json:"unit,omitempty"`
	// Goal is what is asked for, at least or at most; nil: nothing is.
	Goal    *float64 `json:"goal,omitempty"`
	AtLeast bool     `json:"at_least,omitempty"`
	// Margin is by how much two runs of the same may differ, as far as the harness knows itself; 0: it does not say.
	Margin float64 `json:"margin,omitempty"`
}

// Trial is one peer in one scenario, once.
type Trial struct {
	// Scenario and Peer are places in the record's lists.
	Scenario int `json:"scenario"`
	Peer     int `json:"peer"`
	// Round counts from 1: interleaved rounds ask all peers the same.
	Round int       `json:"round"`
	Begun time.Time `json:"begun,omitzero"`
	// Seconds is how long it was measured.
	Seconds float64 `json:"seconds"`
	Cut     string  `json:"cut_short,omitempty"`
	Harness Harness `json:"harness"`
	// Values are by the measures' names; Ideal has those of the oracle, where it has its own.
	Values map[string]Number `json:"values"`
	Ideal  map[string]Number `json:"oracle_values,omitempty"`
	// Spread is where the values of other users' runs lay, if there were some.
	Spread map[string]Span `json:"spread,omitempty"`
	Routes []Route         `json:"routes,omitempty"`
	// Latencies are by class, Histograms by class and phase.
	Latencies  []Latency  `json:"latencies,omitempty"`
	Histograms []Interval `json:"histograms,omitempty"`
	Gauges     []Gauge    `json:"gauges,omitempty"`
}

// Span is from the least to the most.
type Span struct {
	Least Number `json:"least"`
	Most  Number `json:"most"`
}

// Harness is what the measuring side says of itself. A run in which it was the bottleneck is not valid.
type Harness struct {
	// LoadBefore is the machine's load average over 1, 5 and 15 minutes.
	LoadBefore string `json:"load_before,omitempty"`
	// Sent counts attempts, Late those that were sent more than 5 ms late, NotSent those that were not sent at all.
	Sent    int `json:"sent"`
	Late    int `json:"sent_late"`
	NotSent int `json:"not_sent"`
	// LateAnswers counts those whose service the backend noticed to be over more than 5 ms late.
	LateAnswers int `json:"late_answers"`
	// Asked counts how often the peer was asked for its status, SlowStatus how often that took more than 20 ms.
	Asked      int `json:"asked_for_status,omitempty"`
	SlowStatus int `json:"slow_status,omitempty"`
	// Voided is how many runs before this one were thrown away.
	Voided int  `json:"voided"`
	Valid  bool `json:"valid"`
	// Notes are what a reader has to know before the numbers.
	Notes []string `json:"notes,omitempty"`
}

// Route is what became of one route's requests, for each second. All series are equally long, or missing if all of it is 0.
type Route struct {
	Name  string `json:"name"`
	Class string `json:"class"`
	// Wishes by the second in which they arose: what became of them in the end.
	Offered  []int `json:"offered"`
	Served   []int `json:"served,omitempty"`
	Degraded []int `json:"degraded,omitempty"`
	Refused  []int `json:"refused,omitempty"`
	Failed   []int `json:"failed,omitempty"`
	Aborted  []int `json:"aborted,omitempty"`
	// Oracle is what the oracle serves of them; nil: nobody knows.
	Oracle []int `json:"oracle,omitempty"`
	// Attempts by the second of their instant, and those of them that were refused or degraded, by reason.
	Attempts []int            `json:"attempts,omitempty"`
	Reasons  map[string][]int `json:"refusals,omitempty"`
}

// Latency is a class's latency for each second, in microseconds; 0 where nothing was answered.
type Latency struct {
	Class string `json:"class"`
	P50   []int  `json:"p50_us"`
	P90   []int  `json:"p90_us"`
	P99   []int  `json:"p99_us"`
	Max   []int  `json:"max_us"`
}

// Interval is the latencies of a class in a phase.
type Interval struct {
	Class string `json:"class"`
	// Phase is a place in the scenario's phases; −1 is all of the run.
	Phase   int       `json:"phase"`
	Latency Histogram `json:"hdr_v2_base64"`
}

// Gauge is something that stood at a value: a limit, requests in flight. Values come every so many seconds, the first at 0.
type Gauge struct {
	Name   string   `json:"name"`
	Unit   string   `json:"unit,omitempty"`
	Every  float64  `json:"every"`
	Values []Number `json:"values"`
}

// The gauges that charts know by name.
const (
	Limit    = "limit"                // what a policy lets be in flight
	InFlight = "in flight"            // requests whose clients wait
	AtWork   = "in flight at backend" // requests that the backend has
)
