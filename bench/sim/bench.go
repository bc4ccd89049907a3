package sim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Named is a policy that can be chosen by its name.
type Named struct {
	Name, Doc string
	New       NewPolicy
}

// Bench runs episodes against policies, each pair with several seeds, each beside the oracle.
type Bench struct {
	Episodes []Episode
	Policies []Named
	Draw     Draw // "" means Development
	Seeds    int  // 0 means 5
	Jobs     int  // runs at the same time; 0 means 1
	// Course names the policy whose course over time is kept, of the worst seed of each episode; "" keeps none.
	Course string
	// Progress is told when an episode's seed is done; by one goroutine at a time. nil means nobody is told.
	Progress func(done, of int)
}

// Record is what came of one policy in one episode.
type Record struct {
	Episode string
	Policy  string
	Draw    Draw
	// Seeds has the values of each seed, from 1 on; Median and Worst are taken over them, measure by measure.
	Seeds         []Values
	Median, Worst Values
	// Course is that of the worst seed; nil if none was asked for.
	Course *Course

	courses []*Course
}

// valueDigits are kept of a value: so that what is judged here is what stands on paper.
const valueDigits = 4

func (v Values) rounded() Values {
	for i := range v {
		v[i] = round(v[i], valueDigits)
	}
	return v
}

// Run gives the records by episode, then by policy.
func (b Bench) Run(ctx context.Context) ([]Record, error) {
	b.Draw, b.Seeds, b.Jobs = or(b.Draw, Development), or(b.Seeds, 5), or(b.Jobs, 1)
	records := make([]Record, 0, len(b.Episodes)*len(b.Policies))
	for _, e := range b.Episodes {
		for _, p := range b.Policies {
			records = append(records, Record{Episode: e.Name, Policy: p.Name, Draw: b.Draw, Seeds: make([]Values, b.Seeds), courses: make([]*Course, b.Seeds)})
		}
	}
	if err := b.all(ctx, records); err != nil {
		return nil, err
	}
	for i := range records {
		records[i].summarise()
	}
	return records, nil
}

// all fills the records' seeds, with as many workers as there are jobs.
func (b Bench) all(ctx context.Context, records []Record) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	tasks := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	done, of := 0, len(b.Episodes)*b.Seeds
	for range b.Jobs {
		workers.Go(func() {
			for task := range tasks {
				episode, seed := task/b.Seeds, task%b.Seeds
				if err := b.one(ctx, episode, seed, records[episode*len(b.Policies):(episode+1)*len(b.Policies)]); err != nil {
					stop(err)
				}
				mu.Lock()
				done++
				if b.Progress != nil && ctx.Err() == nil {
					b.Progress(done, of)
				}
				mu.Unlock()
			}
		})
	}
	for task := 0; task < of && ctx.Err() == nil; task++ {
		tasks <- task
	}
	close(tasks)
	workers.Wait()
	return context.Cause(ctx)
}

// one runs the oracle and every policy with one seed of an episode.
func (b Bench) one(ctx context.Context, episode, seed int, records []Record) error {
	e := b.Episodes[episode]
	sc, err := e.Scenario(b.Draw, seed+1)
	if err != nil {
		return err
	}
	dice := e.Dice(b.Draw, seed+1)
	ideal, err := Oracle(sc, dice)
	if err != nil {
		return err
	}
	for i, p := range b.Policies {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		got, err := Run(sc, dice, p.New)
		if err != nil {
			return fmt.Errorf("running %s against %s: %w", e.Name, p.Name, err)
		}
		records[i].Seeds[seed] = Judge(sc, got, ideal).rounded()
		if p.Name == b.Course {
			records[i].courses[seed] = courseOf(sc, seed+1, got, ideal)
		}
	}
	return nil
}

// Dice is the seed of a drawn scenario's run.
func (e Episode) Dice(which Draw, seed int) uint64 { return newDraw(which, e.Name, seed).seed }

func (r *Record) summarise() {
	if len(r.courses) > 0 {
		r.Course, r.courses = r.courses[worstSeed(r.Seeds)], nil
	}
	for i, m := range Measures() {
		var values []float64
		for _, v := range r.Seeds {
			if !math.IsNaN(v[i]) {
				values = append(values, v[i])
			}
		}
		slices.Sort(values)
		median, worst := math.NaN(), math.NaN()
		if n := len(values); n > 0 {
			median, worst = (values[n/2]+values[(n-1)/2])/2, values[n-1]
			if m.AtLeast {
				worst = values[0]
			}
		}
		r.Median, r.Worst = append(r.Median, median), append(r.Worst, worst)
	}
}

// Compared says, measure by measure, what may be counted when policies are set side by side: not what one of several alone is measured
// on, for it would get those goals and nobody else could.
func Compared(records []Record) []bool {
	out := make([]bool, len(Measures()))
	all := policies(records)
	for i := range out {
		measured := map[string]bool{}
		for _, r := range records {
			if !math.IsNaN(r.Worst[i]) {
				measured[r.Policy] = true
			}
		}
		out[i] = len(all) == 1 || len(measured) > 1
	}
	return out
}

// Missed names the measures whose goal the worst seed does not reach.
func (r *Record) Missed() (names []string) {
	for i, m := range Measures() {
		if !m.Met(r.Worst[i]) {
			names = append(names, m.Name)
		}
	}
	return names
}
