package wire

import "time"

// due is a deadline of the exchange that was on a connection as its number so-and-so.
type due struct {
	at     time.Duration
	on     *looped
	number uint64
}

func (d due) over() bool { return d.on.current == nil || d.on.number != d.number }

// dues are deadlines in the order in which requests were sent. That is nearly the order of their instants; one that is out of it is met late, by
// as much as its request was sent late.
type dues struct {
	all []due
	at  int // the first that is still there
}

// fewDues are not worth looking through.
const fewDues = 4096

func (d *dues) add(n due) {
	if len(d.all) == cap(d.all) && len(d.all) >= fewDues { // most have been answered long ago
		kept := d.all[:0]
		for _, o := range d.all[d.at:] {
			if !o.over() {
				kept = append(kept, o)
			}
		}
		d.all, d.at = kept, 0
	}
	d.all = append(d.all, n)
}

// first is the earliest deadline of something that is under way.
func (d *dues) first() (at time.Duration, there bool) {
	for d.at < len(d.all) && d.all[d.at].over() {
		d.at++
	}
	if d.at == len(d.all) {
		d.all, d.at = d.all[:0], 0
		return 0, false
	}
	return d.all[d.at].at, true
}

// take gives the connection of the first.
func (d *dues) take() *looped {
	n := d.all[d.at]
	d.at++
	if n.over() {
		return nil
	}
	return n.on
}
