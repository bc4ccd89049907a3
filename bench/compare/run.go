package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"triage/bench/real"
	"triage/bench/record"
)

// comparison is one at work.
type comparison struct {
	Settings
	ideals []real.Virtual // by trial
	rec    record.Record
}

// Run compares, and gives the record of what was measured: all of it, or what there was when ctx was done, with an error that is
// real.ErrCut.
func Run(ctx context.Context, s Settings) (record.Record, error) {
	if err := s.check(); err != nil {
		return s.Record, err
	}
	c := &comparison{Settings: s.withDefaults()}
	if err := c.prepare(ctx); err != nil {
		return c.rec, err
	}
	todo := c.turns()
	all := len(c.rec.Runs) + len(todo)
	for len(todo) > 0 {
		step := c.step(todo)
		todo = todo[len(step):]
		if err := c.together(ctx, step, all); err != nil {
			c.rec.Cut = err.Error()
			return c.rec, errors.Join(cutShort(len(c.rec.Runs), all, err), c.keep())
		}
		if err := c.keep(); err != nil {
			return c.rec, cutShort(len(c.rec.Runs), all, err)
		}
	}
	c.rec.Ended = time.Now().UTC().Truncate(time.Second)
	return c.rec, c.keep()
}

func (c *comparison) keep() error { return c.Keep(c.rec) }

// prepare asks all contenders who they are, and the oracle what can be had.
func (c *comparison) prepare(ctx context.Context) error {
	c.rec = c.Record
	c.rec.Kind, c.rec.Reference, c.rec.Measures = record.Compare, "", measures()
	for _, p := range c.Peers {
		entry := record.Peer{Name: p.Name(), Doc: p.Doc(), Tuned: p.Tuned(), Config: p.Config(), Absent: p.Absent()}
		if entry.Absent == "" {
			entry.Version = p.Version(ctx)
		}
		c.rec.Peers = append(c.rec.Peers, entry)
	}
	for _, t := range c.Trials {
		v, err := real.Seen{Scenario: t.Scenario}.Ideal(t.Dice)
		if err != nil {
			return err
		}
		scenario, err := t.Recorded(t.Scenario)
		if err != nil {
			return err
		}
		c.ideals, c.rec.Scenarios = append(c.ideals, v), append(c.rec.Scenarios, scenario)
	}
	if c.Before == nil {
		return nil
	}
	if err := same(*c.Before, c.rec); err != nil {
		return fmt.Errorf("going on with a record: %w", err)
	}
	c.rec.Begun, c.rec.Runs = c.Before.Begun, slices.Clone(c.Before.Runs)
	return nil
}

// turns are all that have not been made yet, in the order in which they are: round by round, scenario by scenario, and in each the
// contenders from another one on.
func (c *comparison) turns() (todo []turn) {
	for round := 1; round <= c.Rounds; round++ {
		for trial := range c.Trials {
			for i := range c.Peers {
				t := turn{trial, (i + round + trial - 1) % len(c.Peers), round}
				made := slices.ContainsFunc(c.rec.Runs, func(r record.Trial) bool {
					return r.Scenario == t.trial && r.Peer == t.peer && r.Round == t.round
				})
				if !made && c.rec.Peers[t.peer].Absent == "" {
					todo = append(todo, t)
				}
			}
		}
	}
	return todo
}

// step are the first that can run beside each other: they have one trial.
func (c *comparison) step(todo []turn) []turn {
	n := 1
	for n < min(len(todo), c.Beside) && todo[n].trial == todo[0].trial && todo[n].round == todo[0].round {
		n++
	}
	return todo[:n]
}

// together makes the runs of a step at the same time, and those again in which the machine was late.
func (c *comparison) together(ctx context.Context, step []turn, all int) error {
	for again := 0; len(step) > 0; again++ {
		c.tell(step, again, all)
		runs, failed := make([]record.Trial, len(step)), make([]error, len(step))
		var playing sync.WaitGroup
		for i, t := range step {
			playing.Go(func() { runs[i], failed[i] = c.play(ctx, t, again) })
		}
		playing.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
		var void []turn
		for i, r := range runs {
			if r.Cut == "" && !r.Harness.Valid && again < c.Again {
				void = append(void, step[i])
				continue
			}
			c.rec.Runs = append(c.rec.Runs, r)
		}
		step = void
	}
	return nil
}

func (c *comparison) tell(step []turn, again, all int) {
	t := c.Trials[step[0].trial]
	p := Progress{Round: step[0].round, Scenario: t.Episode, Seed: t.Number, Again: again, Done: len(c.rec.Runs), All: all}
	for _, s := range step {
		p.Peers = append(p.Peers, c.Peers[s.peer].Name())
	}
	c.Progress(p)
}
