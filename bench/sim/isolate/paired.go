package isolate

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	"triage/bench/sim"
	"triage/proxy/incident/without"
)

// Pair is the estimate of what would have happened without protection, beside what did: the same requests, met by nobody.
type Pair struct {
	Episode string `json:"episode"`
	Seed    int    `json:"seed"`
	// Known is false if the estimator says that it cannot know.
	Known bool `json:"known"`
	// Protected and All are of the most important class, and of everything that was offered.
	Protected Shares `json:"protected"`
	All       Shares `json:"all"`
}

// Shares are parts of what was offered that were served.
type Shares struct {
	// With protection; Said is the estimate without, from Low to High; True is what the run without gave, of as many as were asked with
	// protection: people whose visit fails early do not ask for what comes later, and would be missing in the other run's own share.
	With float64 `json:"with"`
	Low  float64 `json:"low"`
	Said float64 `json:"said"`
	High float64 `json:"high"`
	True float64 `json:"true"`
}

// Off is how far the estimate is off.
func (s Shares) Off() float64 { return math.Abs(s.Said - s.True) }

// Paired holds the estimates of all episodes in which protection acts against paired runs.
func Paired(ctx context.Context, s Settings) ([]Pair, error) {
	pairs, err := each(ctx, s.complete(), paired)
	var out []Pair
	for _, p := range pairs {
		if p != nil {
			out = append(out, *p)
		}
	}
	return out, err
}

// paired runs an episode twice; nil if protection did nothing in it, or one sidecar does not see all.
func paired(e sim.Episode, draw sim.Draw, seed int) (*Pair, error) {
	c, err := run(e, draw, seed)
	if err != nil {
		return nil, fmt.Errorf("pairing %s: %w", e.Name, err)
	}
	if c.sc.Sidecars.Count > 1 || !slices.ContainsFunc(c.seconds, func(s shown) bool { return len(s.Groups) > 0 || refused(s) }) {
		return nil, nil
	}
	estimator := without.Estimator{Patience: map[string]time.Duration{backend: cmp.Or(c.sc.Sidecars.Timeout, c.sc.Clients.Deadline)}}
	for _, s := range c.seconds {
		if s.restart {
			return nil, nil // the second process knows nothing of what the first has seen
		}
		estimator.Look(s.Second)
	}
	bare, err := sim.Run(c.sc, e.Dice(draw, seed), sim.NewNone)
	if err != nil {
		return nil, fmt.Errorf("pairing %s: %w", e.Name, err)
	}
	p := &Pair{Episode: e.Name, Seed: seed}
	routes := estimator.Routes()
	said, all := without.Route{Known: true}, without.Route{Known: true}
	var truth, allTruth sim.Tally
	for _, r := range c.sc.Routes {
		one, ok := routes[r.Name]
		if !ok {
			one.Known = true // nobody has asked for it
		}
		all, allTruth = all.Plus(one), sum(allTruth, tallyOf(bare, r.Name))
		if r.Class == 0 {
			said, truth = said.Plus(one), sum(truth, tallyOf(bare, r.Name))
		}
	}
	p.Protected, p.Known = shares(said, truth)
	p.All, _ = shares(all, allTruth)
	return p, nil
}

func refused(s shown) bool {
	for _, r := range s.Routes {
		if r.Refused > 0 {
			return true
		}
	}
	return false
}

func tallyOf(r *sim.Result, route string) (all sim.Tally) {
	for _, phase := range r.Phases {
		if t := phase[route]; t != nil {
			all = sum(all, *t)
		}
	}
	return all
}

func sum(a, b sim.Tally) sim.Tally {
	return sim.Tally{Offered: a.Offered + b.Offered, Served: a.Served + b.Served}
}

// shares sets what was estimated beside what is true, and reports whether the estimator says that it knows. Who tries again may be served more
// often than was asked here: that is all.
func shares(r without.Route, truth sim.Tally) (Shares, bool) {
	n := max(r.Offered, 1)
	_, said, high, known := r.Share()
	return Shares{With: r.Served / n, Low: r.Without.Low / n, Said: said, High: high, True: min(float64(truth.Served)/n, 1)}, known
}

// WritePairs writes how far the estimates are off, and those that are off most.
func WritePairs(to io.Writer, pairs []Pair) error {
	var off, offAll []float64
	unknown, within := 0, 0
	for _, p := range pairs {
		if !p.Known {
			unknown++
			continue
		}
		off, offAll = append(off, p.Protected.Off()), append(offAll, p.All.Off())
		if p.Protected.Off() <= without.Margin {
			within++
		}
	}
	fmt.Fprintf(to, "%d pairs, %d unknown; %d of %d within the margin of %.2f.\n", len(pairs), unknown, within, len(off), without.Margin)
	for name, all := range map[string][]float64{"protected": off, "all": offAll} {
		slices.Sort(all)
		at := func(q float64) float64 {
			if len(all) == 0 {
				return 0
			}
			return all[min(int(q*float64(len(all))), len(all)-1)]
		}
		fmt.Fprintf(to, "%s: share served without protection is off by %.3f in the median, %.3f for nine of ten, %.3f at most\n", name, at(0.5), at(0.9), at(1))
	}
	sorted := slices.Clone(pairs)
	slices.SortStableFunc(sorted, func(a, b Pair) int { return cmp.Compare(b.Protected.Off(), a.Protected.Off()) })
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nprotected\tepisode\tseed\twith\tlow\tsaid\thigh\ttrue\tknown\t")
	for _, p := range sorted {
		s := p.Protected
		fmt.Fprintf(w, "\t%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%v\t\n", p.Episode, p.Seed, s.With, s.Low, s.Said, s.High, s.True, p.Known)
	}
	return w.Flush()
}
