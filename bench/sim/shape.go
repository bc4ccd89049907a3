package sim

import (
	"errors"
	"fmt"
	"time"
)

// plain says that an episode says nothing of a backend.
func (s spec) plain() bool {
	for _, r := range s.Routes {
		if r.Takes.said || len(r.Steps) > 0 {
			return false
		}
	}
	return len(s.Resources) == 0
}

// rampSteps is the number of pieces in which a rate goes up or down.
const rampSteps = 100

// shape gives a phase its course, and its length if that is the course's own.
func (d draw) shape(p *Phase, spec phaseSpec) error {
	given := 0
	for _, is := range []bool{spec.Ramp.From.said || spec.Ramp.To.said, len(spec.Steps) > 0, spec.Recorded.Counts != ""} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return errors.New("want one of ramp, steps and recorded")
	case spec.Ramp.From.said || spec.Ramp.To.said:
		from, to := d.number("ramp.from", or(spec.Ramp.From.quantity, one)), d.number("ramp.to", or(spec.Ramp.To.quantity, one))
		for i := range rampSteps {
			p.Shape = append(p.Shape, Piece{p.For / rampSteps, from + (to-from)*(float64(i)+0.5)/rampSteps})
		}
	case len(spec.Steps) > 0:
		for _, times := range spec.Steps {
			p.Shape = append(p.Shape, Piece{p.For / time.Duration(len(spec.Steps)), d.number("steps", times.quantity)})
		}
	case spec.Recorded.Counts != "":
		return d.recorded(p, spec.Recorded)
	}
	return nil
}

var one = quantity{1, 1, "", true}

func (d draw) recorded(p *Phase, spec recordedSpec) error {
	faster, from := d.number("compress", or(spec.Compress.quantity, one)), d.time("recorded.from", spec.From)
	if faster <= 0 {
		return fmt.Errorf("recorded: compress is %v; want more than 0, 60 to make a second of a minute", faster)
	}
	lasts := time.Duration(0)
	for _, piece := range spec.shape {
		if from >= piece.For {
			from -= piece.For
			continue
		}
		piece.For = time.Duration(float64(piece.For-from) / faster)
		from = 0
		if p.For > 0 {
			piece.For = min(piece.For, p.For-lasts)
		}
		if piece.For <= 0 {
			break
		}
		p.Shape = append(p.Shape, piece)
		lasts += piece.For
	}
	if p.For > lasts+time.Millisecond { // pieces are rounded to the nanosecond
		return fmt.Errorf("recorded: the phase lasts %v, the counts %v from there on, %v times as fast; want a shorter one", p.For, lasts, faster)
	}
	if p.For = lasts; lasts == 0 {
		return errors.New("recorded: from is behind the last count; want an earlier one")
	}
	return nil
}
