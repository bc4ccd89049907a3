package record

import "slices"

// Small is the record without what there is of every second or more often, but for what became of requests: no percentiles by second, no gauges,
// and one histogram for each class instead of one for each phase too. Values and series stay, so tables and courses come out the same.
func (r Record) Small() Record {
	r.Runs = slices.Clone(r.Runs)
	for i := range r.Runs {
		t := &r.Runs[i]
		t.Latencies, t.Gauges, t.Histograms = nil, nil, merged(t.Histograms)
	}
	return r
}

// merged has one histogram for each class.
func merged(all []Interval) (out []Interval) {
	for _, h := range all {
		i := slices.IndexFunc(out, func(o Interval) bool { return o.Class == h.Class })
		if i < 0 {
			i = len(out)
			out = append(out, Interval{Class: h.Class, Phase: -1})
		}
		out[i].Latency.Merge(h.Latency)
	}
	return out
}
