package breaker

import "fmt"

const (
	// closeAt and reopenAt are how far successes must be ahead of failures, and failures ahead of successes, to end a trial.
	// With p0 = 0.3 and p1 = 0.7 each is worth ln(7/3) = 0.85 nats: six pass Wald's bound for a risk of 1 %, ln 99 = 4.6
	// nats; two are a weak proof on purpose (doc.go).
	closeAt  = 6
	reopenAt = 2
)

type verdict uint8

const (
	undecided verdict = iota
	healthy
	failing
)

// trial is what the probes of one half-open state have shown.
type trial struct {
	succeeded, failed int
	// lost counts those of failed whose lease ran out.
	lost int
}

// add counts an outcome. What says nothing of the backend does not count.
func (t trial) add(o Outcome) trial {
	switch o {
	case Success:
		t.succeeded++
	case Failure:
		t.failed++
	}
	return t
}

func (t trial) verdict() verdict {
	switch {
	case t.succeeded-t.failed >= closeAt:
		return healthy
	case t.failed-t.succeeded >= reopenAt:
		return failing
	}
	return undecided
}

// reason says the numbers of a verdict.
func (t trial) reason() string {
	all := t.succeeded + t.failed
	if t.verdict() == healthy {
		return fmt.Sprintf("%d of %d probes succeeded", t.succeeded, all)
	}
	if t.lost > 0 {
		return fmt.Sprintf("%d of %d probes failed, %d of them unanswered", t.failed, all, t.lost)
	}
	return fmt.Sprintf("%d of %d probes failed", t.failed, all)
}
