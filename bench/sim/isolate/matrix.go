package isolate

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"

	"triage/bench/sim"
	"triage/proxy/incident/verdict"
)

// Settings say what is judged.
type Settings struct {
	Episodes []sim.Episode
	Draw     sim.Draw // "" means Development
	Seeds    int      // 0 means 5
	Jobs     int      // 0 means 1
}

// Report is what came of it.
type Report struct {
	Draw       sim.Draw    `json:"draw"`
	Seeds      int         `json:"seeds"`
	Judgements []Judgement `json:"judgements"`
}

// Run judges every episode with every seed.
func Run(ctx context.Context, s Settings) (Report, error) {
	s = s.complete()
	all, err := each(ctx, s, judged)
	return Report{s.Draw, s.Seeds, slices.Concat(all...)}, err
}

func (s Settings) complete() Settings {
	s.Draw, s.Seeds = cmp.Or(s.Draw, sim.Development), cmp.Or(s.Seeds, 5)
	return s
}

// each does one thing with every episode and seed, several at the same time, and gives the results in order; after an error what there is.
func each[T any](ctx context.Context, s Settings, one func(sim.Episode, sim.Draw, int) (T, error)) ([]T, error) {
	all := make([]T, len(s.Episodes)*s.Seeds)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	tasks := make(chan int)
	var workers sync.WaitGroup
	for range max(s.Jobs, 1) {
		workers.Go(func() {
			for task := range tasks {
				var err error
				if all[task], err = one(s.Episodes[task/s.Seeds], s.Draw, task%s.Seeds+1); err != nil {
					stop(err)
				}
			}
		})
	}
	for task := 0; task < len(all) && ctx.Err() == nil; task++ {
		tasks <- task
	}
	close(tasks)
	workers.Wait()
	return all, context.Cause(ctx)
}

// judged judges one run, as it is and in its variants.
func judged(e sim.Episode, draw sim.Draw, seed int) ([]Judgement, error) {
	c, err := run(e, draw, seed)
	if err != nil {
		return nil, fmt.Errorf("judging %s: %w", e.Name, err)
	}
	out := c.judge(plain)
	for _, v := range variants {
		if v.fits(c) {
			out = append(out, c.judge(v)...)
		}
	}
	return out, nil
}

// Right counts the judgements that are right, and all; Accused those that name an innocent route.
func (r Report) Right() (right, all, accused int) {
	for _, j := range r.Judgements {
		if j.Right {
			right++
		}
		if len(j.Innocents) > 0 {
			accused++
		}
	}
	return right, len(r.Judgements), accused
}

// WriteText writes the confusion matrix, one row a truth, and what is wrong.
func (r Report) WriteText(to io.Writer) error {
	kinds := verdict.Kinds()
	count := map[string]map[verdict.Kind]int{}
	for _, j := range r.Judgements {
		if count[j.Truth] == nil {
			count[j.Truth] = map[verdict.Kind]int{}
		}
		count[j.Truth][j.Verdict.Kind]++
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "truth, down; verdict, across\t")
	for _, k := range kinds {
		fmt.Fprintf(w, "%s\t", k)
	}
	fmt.Fprintln(w)
	for _, k := range kinds {
		row := count[string(k)]
		if row == nil {
			continue
		}
		fmt.Fprintf(w, "%s\t", k)
		for _, got := range kinds {
			fmt.Fprintf(w, "%d\t", row[got])
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	right, all, accused := r.Right()
	fmt.Fprintf(to, "\n%d of %d right (%.1f %%); %d name an innocent route. Draw %s, %d seeds.\n", right, all, 100*float64(right)/float64(max(all, 1)), accused, r.Draw, r.Seeds)
	for _, j := range r.Judgements {
		if j.Right && len(j.Innocents) == 0 {
			continue
		}
		name := j.Episode
		if j.Variant != "" {
			name += " (" + j.Variant + ")"
		}
		if _, err := fmt.Fprintf(to, "%s, seed %d, %s: is %s, said %s %s %v (%.2f)%s\n", name, j.Seed, j.Phase, j.Truth, j.Verdict.Kind, j.Verdict.Subject, j.Verdict.Routes, j.Verdict.Confidence, accusing(j.Innocents)); err != nil {
			return err
		}
	}
	return nil
}

func accusing(innocents []string) string {
	if len(innocents) == 0 {
		return ""
	}
	return fmt.Sprintf("; innocent: %v", innocents)
}
