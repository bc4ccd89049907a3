package origin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"triage/bench/chance"
)

// Moment is an instant, counted from the beginning, from which on something is wrong.
type Moment struct {
	At time.Duration
	Faults
}

// CheckScript says what is wrong with a script.
func (o *Origin) CheckScript(script []Moment) error {
	for i, m := range script {
		if err := o.checkFaults(m.Faults); err != nil {
			return fmt.Errorf("moment %d, at %v: %w", i, m.At, err)
		}
	}
	return nil
}

// Play lets the moments and the pools' pauses come at their instants after begin. It returns when ctx is done.
func (o *Origin) Play(ctx context.Context, begin time.Time, script []Moment) error {
	if err := o.CheckScript(script); err != nil {
		return err
	}
	o.begun.Store(&begin)
	var standing sync.WaitGroup
	defer standing.Wait()
	for _, p := range o.pools {
		if p.settings.Pause.Every > 0 {
			for i, r := range p.resources {
				dice := chance.New(p.settings.Seed + uint64(i))
				standing.Go(func() { pauses(ctx, begin, p.settings.Pause, dice, r) })
			}
		}
	}
	for _, m := range script {
		if sleepUntil(ctx.Done(), nil, begin.Add(m.At)) != done {
			return nil
		}
		if err := o.Set(m.Faults); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// pauses lets a resource stand still again and again.
func pauses(ctx context.Context, at time.Time, p Pause, dice *chance.Dice, r resource) {
	at = at.Add(dice.Jitter(p.Every))
	for sleepUntil(ctx.Done(), nil, at) == done {
		r.pause(p.For)
		at = at.Add(p.For + dice.Jitter(p.Every))
	}
}
