package shed

import "time"

// journalSize is how many entries are kept: an hour of a lively incident.
const journalSize = 1024

// journal is a ring of the changes that the law made. The zero value is empty.
type journal struct {
	ring []entry
	// number gives the next sequence number; nil counts from 1.
	number func() uint64
	count  uint64
}

type entry struct {
	seq           uint64
	at            time.Duration
	kind, subject string
	from, to      float64
	reason        string
}

func (j *journal) add(now time.Duration, kind, subject string, from, to float64, reason string) {
	j.count++
	seq := j.count
	if j.number != nil {
		seq = j.number()
	}
	e := entry{seq, now, kind, subject, from, to, reason}
	if len(j.ring) < journalSize {
		j.ring = append(j.ring, e)
		return
	}
	j.ring[(j.count-1)%journalSize] = e
}

// after gives the entries with a higher sequence number, oldest first; epoch is the wall time of the controller's zero.
func (j *journal) after(seq uint64, epoch time.Time) []Entry {
	var out []Entry
	for n := j.count - uint64(len(j.ring)); n < j.count; n++ {
		e := j.ring[n%journalSize]
		if e.seq <= seq {
			continue
		}
		out = append(out, Entry{Seq: e.seq, Time: epoch.Add(e.at), Kind: e.kind, Subject: e.subject, From: e.from, To: e.to, Reason: e.reason})
	}
	return out
}
