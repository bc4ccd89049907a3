package sim

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// missesFile stands among the episodes, and is none.
const missesFile = "zoo/misses.yaml"

// Explanation says why the law misses goals, and what the bound is. It covers every pair of its episodes and measures.
type Explanation struct {
	Episodes []string `yaml:"episodes"`
	Measures []string `yaml:"measures"`
	// Why is the cause; Bound what could be reached at best, by physics or by what a law of this kind can know.
	Why   string `yaml:"why"`
	Bound string `yaml:"bound"`
}

// Explanations gives the built-in ones.
func Explanations() ([]Explanation, error) { return ReadExplanations(zooFiles) }

// ReadExplanations reads zoo/misses.yaml, if there is one. Unknown keys, measures that there are not and empty words are errors; episodes are
// checked by whoever has them.
func ReadExplanations(files fs.FS) (all []Explanation, err error) {
	text, err := fs.ReadFile(files, missesFile)
	if err != nil {
		return nil, fmt.Errorf("reading explanations: %w", err)
	}
	strict := yaml.NewDecoder(bytes.NewReader(text))
	strict.KnownFields(true)
	if err := strict.Decode(&all); err != nil {
		return nil, fmt.Errorf("reading %s: %w", missesFile, err)
	}
	for i, e := range all {
		if len(e.Episodes) == 0 || len(e.Measures) == 0 || e.Why == "" || e.Bound == "" {
			return nil, fmt.Errorf("reading %s: entry %d: want episodes, measures, why and bound", missesFile, i+1)
		}
		for _, name := range e.Measures {
			if !slices.ContainsFunc(Measures(), func(m Measure) bool { return m.Name == name }) {
				return nil, fmt.Errorf("reading %s: entry %d: there is no measure %q", missesFile, i+1, name)
			}
		}
	}
	return all, nil
}

// Miss is a goal that a policy does not reach.
type Miss struct {
	Episode string
	Measure Measure
	Median  float64
	Worst   float64
	// ByMedian is set if the median seed misses it, not only the worst.
	ByMedian bool
	// Explanation is nil if nobody has written one.
	Explanation *Explanation
}

// Misses gives what a policy misses, in the order of the records, and which explanations have become stale; see Explanation.stale.
func Misses(records []Record, policy string, explanations []Explanation) (misses []Miss, stale []string) {
	seen := sight{}
	for _, r := range records {
		if r.Policy != policy {
			continue
		}
		seen[r.Episode] = r.Missed()
		for i, m := range Measures() {
			if !m.Met(r.Worst[i]) {
				misses = append(misses, Miss{r.Episode, m, r.Median[i], r.Worst[i], !m.Met(r.Median[i]), explained(explanations, r.Episode, m.Name)})
			}
		}
	}
	for _, e := range explanations {
		stale = append(stale, e.stale(seen)...)
	}
	return misses, stale
}

// sight has the measures that were missed, by episode; an episode that was not run is not in it.
type sight map[string][]string

// stale says for which episodes nothing is missed any more that is explained, as "episode: measures"; and, if there is an episode left and all
// were run, which measures are missed in none of them, as "measure of episodes". A pair by itself is not asked for: explanations
// are for groups.
func (e Explanation) stale(seen sight) (all []string) {
	ran, live := 0, 0
	for _, episode := range e.Episodes {
		missed, there := seen[episode]
		if !there {
			continue
		}
		ran++
		if slices.ContainsFunc(e.Measures, func(m string) bool { return slices.Contains(missed, m) }) {
			live++
			continue
		}
		all = append(all, episode+": "+strings.Join(e.Measures, ", "))
	}
	if live == 0 || ran < len(e.Episodes) {
		return all
	}
	for _, measure := range e.Measures {
		if !slices.ContainsFunc(e.Episodes, func(episode string) bool { return slices.Contains(seen[episode], measure) }) {
			all = append(all, measure+" of "+strings.Join(e.Episodes, ", "))
		}
	}
	return all
}

// explained is the first explanation of a miss, nil if there is none.
func explained(explanations []Explanation, episode, measure string) *Explanation {
	for i, e := range explanations {
		if slices.Contains(e.Episodes, episode) && slices.Contains(e.Measures, measure) {
			return &explanations[i]
		}
	}
	return nil
}
