package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"triage/bench/compare"
	"triage/bench/origin"
	"triage/bench/peer"
	"triage/bench/peer/facts"
	"triage/bench/real"
	"triage/bench/record"
	"triage/bench/sim"
)

// The contenders that need nothing but Go, as processes, in two rounds of a miniature of an episode. Who is best is another question: that
// needs a quiet machine and more than two seconds.
func TestBenchCompare(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, prefix := filepath.Join(folder, "record.json"), filepath.Join(folder, "table")
	args := []string{"bench", "compare", "two-innocents", "--peers", "nothing,reverseproxy+,failsafe,triage", "--draw", "development",
		"--duration", "2s", "--peak", "150", "--beside", "4", "--again", "0", "--record", path}
	code, stdout, stderr := command(t, append(args, "--write", prefix)...)
	if code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{"critical/oracle", "refused in the calm", "p99 of critical", "failsafe-go v0.9.8", "reverseproxy-tuned"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the table does not say %q:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "4 of 5 runs") {
		t.Errorf("progress %q; want a line for each step", stderr)
	}
	r, err := record.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 5 || r.Kind != record.Compare || r.Ended.IsZero() || r.Cut != "" {
		t.Errorf("%d runs, kind %s, ended %v, cut %q; want five, to the end", len(r.Runs), r.Kind, r.Ended, r.Cut)
	}
	for _, run := range r.Runs {
		if name := r.Peers[run.Peer].Name; run.Harness.Sent < 50 || !run.Values["critical"].There() || len(run.Routes) != 5 || run.Cut != "" {
			t.Errorf("%s: %d sent, values %v, %q; want a run", name, run.Harness.Sent, run.Values, run.Cut)
		}
	}
	for _, end := range []string{".md", ".json"} {
		if text, err := os.ReadFile(prefix + end); err != nil || !bytes.Contains(text, []byte("reverseproxy-tuned")) {
			t.Errorf("%s: %v, %d bytes; want the tables", end, err, len(text))
		}
	}
	testGoingOn(t, args, path, len(r.Runs))
}

// testGoingOn goes on with a record: what is there is not measured again, and what is not the same is refused.
func testGoingOn(t *testing.T, args []string, path string, made int) {
	if code, _, stderr := command(t, args...); code != exitUsage || !strings.Contains(stderr, "is there already") {
		t.Errorf("the same record again: exit %d, %s; want that it is there already", code, stderr)
	}
	other := slices.Clone(args)
	other[slices.Index(other, "150")] = "140"
	if code, _, stderr := command(t, append(other, "--continue")...); code != exitFailed || !strings.Contains(stderr, "want the same") {
		t.Errorf("another size: exit %d, %s; want that it is not the same", code, stderr)
	}
	r, err := record.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Runs = slices.DeleteFunc(r.Runs, func(run record.Trial) bool { return r.Peers[run.Peer].Name == "failsafe" })
	if err := record.Write(path, r); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := command(t, append(args, "--continue")...)
	if r, err = record.Read(path); code != exitFine || err != nil || len(r.Runs) != made || strings.Count(stderr, "two-innocents") != 1 {
		t.Errorf("going on: exit %d, %v, %d runs of %d, %s; want one step more", code, err, len(r.Runs), made, stderr)
	}
}

func TestBenchCompareRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		`peer "ngnix"`:       {"step-x4", "--peers", "ngnix"},
		"--beside 17":        {"step-x4", "--beside", "17"},
		"--rounds 0":         {"step-x4", "--rounds", "0"},
		"--peak 1":           {"step-x4", "--peak", "1"},
		"want --record too":  {"step-x4", "--continue"},
		"step-x44":           {"step-x44"},
		"there is no such":   {"step-x4", "--continue", "--record", filepath.Join(t.TempDir(), "none.json")},
		`--output "picture"`: {"step-x4", "--output", "picture"},
	} {
		if code, _, stderr := command(t, append([]string{"bench", "compare"}, args...)...); code == exitFine || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q; want %q", args, code, stderr, want)
		}
	}
}

// mortal is a contender that is killed while it is measured: when its backend has been asked for longer than a client waits. What was cut short says
// nothing of younger requests.
type mortal struct {
	peer.Contender
	controls *sync.Map
}

func (m mortal) Start(ctx context.Context, f facts.Facts) (*peer.Running, error) {
	r, err := m.Contender.Start(ctx, f)
	if err == nil {
		control, _ := m.controls.Load(f.Endpoints[0])
		go func() {
			const probes = 10 // they may have come some time before
			for lasts := 0.0; lasts < 1.5; time.Sleep(10 * time.Millisecond) {
				response, err := http.Get(fmt.Sprint(control, "/truth"))
				if err != nil {
					return // the run is over
				}
				var truth origin.Truth
				_ = json.NewDecoder(response.Body).Decode(&truth)
				response.Body.Close()
				if n := len(truth.Records); n > probes {
					lasts = truth.Records[n-1].Begun - truth.Records[probes].Begun
				}
			}
			_ = syscall.Kill(r.Process.PID(), syscall.SIGKILL)
		}()
	}
	return r, err
}

// compared runs peers in a short episode, until stop says so of the progress. controls get the control of each backend, by its endpoint.
func compared(t *testing.T, stop func(compare.Progress) bool, controls *sync.Map, peers ...peer.Contender) (record.Record, error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	episodes, err := zooEpisodes([]string{"step-x4"})
	if err != nil {
		t.Fatal(err)
	}
	const lasts = 3 * time.Second
	trial, err := real.NewTrial(episodes[0], real.Choice{Draw: sim.Development, Number: 1, Scale: 0.1, Lasts: lasts})
	if err != nil {
		t.Fatal(err)
	}
	start := real.ChildBackend(program, originArgs(trial, lasts)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	return compare.Run(ctx, compare.Settings{
		Trials: []real.Trial{trial}, Peers: peers, Backend: func(ctx context.Context, of real.Trial) (real.Backend, error) {
			b, err := start(ctx, of)
			if err == nil {
				controls.Store(b.Endpoints[0], b.Control)
			}
			return b, err
		},
		Record: record.Record{Kind: record.Compare, Machine: record.ThisMachine()},
		Progress: func(p compare.Progress) {
			if stop(p) {
				cancel()
			}
		},
	})
}

// built is one of the contenders of this program.
func built(t *testing.T, name string) peer.Contender {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := peer.Chosen(program, []string{name})
	if err != nil {
		t.Fatal(err)
	}
	return chosen[0]
}

// A peer that dies in the middle is told, what was measured until then is kept, and the next one has its turn.
func TestAPeerThatDiesIsToldAndKept(t *testing.T) {
	t.Parallel()
	var controls sync.Map
	r, err := compared(t, func(compare.Progress) bool { return false }, &controls, mortal{built(t, "gobreaker"), &controls}, built(t, "reverseproxy"))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 2 {
		t.Fatalf("%d runs; want two", len(r.Runs))
	}
	dead, alive := r.Runs[0], r.Runs[1]
	if r.Peers[dead.Peer].Name != "gobreaker" {
		dead, alive = alive, dead
	}
	if dead.Cut == "" || dead.Harness.Sent == 0 || alive.Cut != "" || alive.Harness.Sent <= dead.Harness.Sent {
		t.Errorf("dead: cut %q, %d sent; alive: cut %q, %d sent", dead.Cut, dead.Harness.Sent, alive.Cut, alive.Harness.Sent)
	}
	var text bytes.Buffer
	if err := compare.WriteText(&text, r); err != nil || !strings.Contains(text.String(), "ended in the middle") {
		t.Errorf("%v: the table does not say that a peer ended:\n%s", err, text.String())
	}
}

// Who is told to stop keeps whole runs, and says so.
func TestACutComparisonKeepsWholeRuns(t *testing.T) {
	t.Parallel()
	var steps atomic.Int32
	r, err := compared(t, func(compare.Progress) bool { return steps.Add(1) == 2 }, new(sync.Map), built(t, "nothing"), built(t, "reverseproxy"))
	if !errors.Is(err, real.ErrCut) || !strings.Contains(err.Error(), "1 of 2 runs") || len(r.Runs) != 1 || r.Cut == "" {
		t.Errorf("%v, %d runs, cut %q; want one run, and that it was cut", err, len(r.Runs), r.Cut)
	}
	var text bytes.Buffer
	if err := compare.WriteJSON(&text, r); err != nil || !json.Valid(text.Bytes()) {
		t.Errorf("%v:\n%s", err, text.String())
	}
}
