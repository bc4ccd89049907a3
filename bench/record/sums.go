package record

import "slices"

// Sums are what became of wishes, over all seconds.
type Sums struct {
	Offered, Served, Degraded, Refused, Failed, Aborted, Oracle int
	// Known is set if it is known what the oracle serves.
	Known bool
}

// Share is a part of what was offered; missing if nothing was.
func (s Sums) Share(part int) Number {
	if s.Offered == 0 {
		return Missing()
	}
	return Number(part) / Number(s.Offered)
}

// Class sums up the routes of a class; "" is all.
func (t Trial) Class(class string) (s Sums) {
	s.Known = true
	for _, r := range t.Routes {
		if class != "" && r.Class != class {
			continue
		}
		s.Offered += Sum(r.Offered)
		s.Served += Sum(r.Served)
		s.Degraded += Sum(r.Degraded)
		s.Refused += Sum(r.Refused)
		s.Failed += Sum(r.Failed)
		s.Aborted += Sum(r.Aborted)
		s.Oracle += Sum(r.Oracle)
		s.Known = s.Known && r.Oracle != nil
	}
	return s
}

// Sum adds a series up.
func Sum(series []int) (n int) {
	for _, v := range series {
		n += v
	}
	return n
}

// Latency is that of a class, in all phases.
func (t Trial) Latency(class string) (h Histogram) {
	for _, i := range t.Histograms {
		if i.Class == class && i.Phase >= 0 {
			h.Merge(i.Latency)
		}
	}
	return h
}

// Gauge gives the gauge of a name.
func (t Trial) Gauge(name string) (g Gauge, there bool) {
	i := slices.IndexFunc(t.Gauges, func(g Gauge) bool { return g.Name == name })
	if i < 0 {
		return g, false
	}
	return t.Gauges[i], true
}
