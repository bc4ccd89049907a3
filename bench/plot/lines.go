package plot

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"triage/bench/record"
)

const plotHeight = 120

// framed is a chart with an axis of values: time below, a line for each tick.
func framed(title string, t run, y axis, label func(float64) string) (Chart, axis) {
	x := times(t.lasts(), left)
	c := Chart{Title: title, Note: runNote(t), Left: left, PlotTop: top, PlotHeight: plotHeight, Height: top + plotHeight + bottom, Shades: shades(t.scenario, x), Ticks: timeTicks(x)}
	for _, v := range y.ticks() {
		c.Values = append(c.Values, tick{y.place(v), label(v)})
	}
	return c, x
}

// milliseconds are written as people do.
func milliseconds(v float64) string {
	if v >= 1000 {
		return trimmed(v/1000, 1) + " s"
	}
	return trimmed(v, 3) + " ms"
}

// toMilliseconds turns microseconds into milliseconds, 0 into nothing.
func toMilliseconds(series []int) []float64 {
	out := make([]float64, len(series))
	for i, v := range series {
		out[i] = math.NaN()
		if v > 0 {
			out[i] = float64(v) / 1000
		}
	}
	return out
}

func latencyOf(t run, class string) (l record.Latency, there bool) {
	i := slices.IndexFunc(t.Latencies, func(l record.Latency) bool { return l.Class == class })
	if i < 0 {
		return l, false
	}
	return t.Latencies[i], largest(toMilliseconds(t.Latencies[i].Max)) > 0
}

// latencyAxis holds what all runs have of a class.
func latencyAxis(runs []*run, class string) axis {
	least, most := math.Inf(1), 0.0
	for _, t := range runs {
		if l, there := latencyOf(*t, class); there {
			for i, v := range toMilliseconds(l.Max) {
				if v > most {
					most = v
				}
				if p := l.P50[i]; p > 0 {
					least = min(least, float64(p)/1000)
				}
			}
		}
	}
	if most == 0 {
		return upwards(1, 1000, top, plotHeight, true)
	}
	from, to := decade(least, false), decade(most, true)
	if to <= from {
		to = 10 * from
	}
	return upwards(from, to, top, plotHeight, true)
}

// latency draws percentiles of a class over time.
func latency(name string, r row, t run, class string, y axis) (Chart, bool) {
	l, there := latencyOf(t, class)
	if !there {
		return Chart{}, false
	}
	c, x := framed(name, t, y, milliseconds)
	c.From = r.from([]run{t}, "latencies")
	for _, line := range []struct {
		class  string
		series []int
	}{{"max", l.Max}, {"p99", l.P99}, {"p90", l.P90}, {"p50", l.P50}} {
		values, every := thin(toMilliseconds(line.series), 1, largest)
		c.Lines = append(c.Lines, path{line.class, curve(values, func(i int) float64 { return x.place((float64(i) + 0.5) * every) }, y)})
	}
	h := t.Latency(class)
	c.Label = fmt.Sprintf("%s, latency of %s over time; over the whole run p50 %s, p99 %s", name, class, milliseconds(1e3*h.Quantile(0.5).Seconds()), milliseconds(1e3*h.Quantile(0.99).Seconds()))
	return c, true
}

// gauges draws the limit and what is in flight.
func gauges(name string, r row, t run) (Chart, bool) {
	styles := []struct{ name, class, text string }{{record.InFlight, "flight", "in flight at the clients"}, {record.AtWork, "work", "in flight at the backend"}, {record.Limit, "limit", "limit"}}
	most, any := 1.0, false
	for _, s := range styles {
		if g, there := t.Gauge(s.name); there {
			most, any = math.Max(most, largest(numbers(g.Values))), true
		}
	}
	if !any {
		return Chart{}, false
	}
	y := upwards(0, round(most), top, plotHeight, false)
	c, x := framed(name, t, y, func(v float64) string { return trimmed(v, 1) })
	c.From = r.from([]run{t}, "gauges")
	c.Label = name + ": "
	for _, s := range styles {
		g, there := t.Gauge(s.name)
		if !there || !(largest(numbers(g.Values)) > 0) {
			continue
		}
		series := numbers(g.Values)
		if s.name == record.Limit { // 0 is none
			for i, v := range series {
				if v == 0 {
					series[i] = math.NaN()
				}
			}
		}
		values, every := thin(series, g.Every, largest)
		c.Lines = append(c.Lines, path{s.class, curve(values, func(i int) float64 { return x.place(float64(i) * every) }, y)})
		c.Legend = append(c.Legend, legend{s.class, s.text})
		c.Label += fmt.Sprintf("%s at most %s; ", s.text, trimmed(largest(numbers(g.Values)), 1))
	}
	return c, len(c.Lines) > 0
}

func numbers(values []record.Number) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// mostReasons are drawn by themselves; the rest are one.
const mostReasons = 7

// reasons draws refusals by reason, one on top of the other.
func reasons(name string, r row, t run) (Chart, bool) {
	sums := map[string][]float64{}
	for _, route := range t.Routes {
		for reason, series := range route.Reasons {
			if sums[reason] == nil {
				sums[reason] = make([]float64, len(series))
			}
			for i, n := range series {
				sums[reason][min(i, len(sums[reason])-1)] += float64(n)
			}
		}
	}
	if len(sums) == 0 {
		return Chart{}, false
	}
	total := func(reason string) float64 { return mean(sums[reason]) * float64(len(sums[reason])) }
	names := slices.SortedFunc(maps.Keys(sums), func(a, b string) int { return cmp.Or(cmp.Compare(total(b), total(a)), cmp.Compare(a, b)) })
	if len(names) > mostReasons {
		rest := make([]float64, len(sums[names[0]]))
		for _, other := range names[mostReasons:] {
			add(rest, sums[other])
		}
		names = append(names[:mostReasons], "other reasons")
		sums["other reasons"] = rest
	}
	all := make([]float64, len(sums[names[0]]))
	for _, reason := range names {
		add(all, sums[reason])
	}
	y := upwards(0, round(largest(all)), top, plotHeight, false)
	c, x := framed(name, t, y, func(v float64) string { return trimmed(v, 1) + "/s" })
	c.From, c.Label = r.from([]run{t}, "routes[*].refusals"), name+", refusals by reason: "
	below := make([]float64, len(all))
	for i, reason := range names {
		above := slices.Clone(below)
		add(above, sums[reason])
		thinned, every := thin(above, 1, mean)
		under, _ := thin(below, 1, mean)
		style := fmt.Sprintf("r%d", i)
		c.Lines = append(c.Lines, path{"area " + style, steps(thinned, under, every, x, y, true)})
		c.Legend = append(c.Legend, legend{style, fmt.Sprintf("%s: %.0f", reason, total(reason))})
		c.Label += fmt.Sprintf("%s %.0f; ", reason, total(reason))
		below = above
	}
	return c, true
}

func add(to, values []float64) {
	for i := range min(len(to), len(values)) {
		to[i] += values[i]
	}
}

// distribution draws the percentiles of a class's latency, a line for each phase.
func distribution(name string, r row, t run, class string) (Chart, bool) {
	least, most := math.Inf(1), 0.0
	var used []record.Interval
	for _, h := range t.Histograms {
		if h.Class == class && h.Phase >= 0 && h.Latency.Count() > 0 {
			used = append(used, h)
			least, most = min(least, h.Latency.Quantile(0).Seconds()), max(most, h.Latency.Quantile(1).Seconds())
		}
	}
	if len(used) == 0 {
		return Chart{}, false
	}
	y := upwards(decade(max(1e3*least, 0.1), false), decade(max(1e3*most, 1), true), top, plotHeight, true)
	x := axis{from: 0, to: 4, at: left, size: width - right - left}
	c, _ := framed(name, t, y, milliseconds)
	c.Shades, c.Ticks, c.From = nil, nil, r.from([]run{t}, "histograms")
	for nines, text := range []string{"0 %", "90 %", "99 %", "99.9 %", "99.99 %"} {
		c.Ticks = append(c.Ticks, tick{x.place(float64(nines)), text})
	}
	c.Label = name + ", latency of " + class + " by percentile: "
	for i, h := range used {
		count := float64(h.Latency.Count())
		var values []float64
		var at []float64
		for step := 0; step <= 80; step++ {
			nines := float64(step) / 20
			if tail := math.Pow(10, -nines); tail*count < 1 && step > 0 {
				break // one in so many has not been seen
			}
			values, at = append(values, 1e3*h.Latency.Quantile(1-math.Pow(10, -nines)).Seconds()), append(at, nines)
		}
		style := fmt.Sprintf("p%d", min(i, 5))
		phase := t.scenario.Phases[h.Phase].Name
		c.Lines = append(c.Lines, path{"line " + style, curve(values, func(i int) float64 { return x.place(at[i]) }, y)})
		c.Legend = append(c.Legend, legend{style, fmt.Sprintf("%s: %d", phase, h.Latency.Count())})
		c.Label += fmt.Sprintf("%s p50 %s, p99 %s; ", phase, milliseconds(1e3*h.Latency.Quantile(0.5).Seconds()), milliseconds(1e3*h.Latency.Quantile(0.99).Seconds()))
	}
	return c, true
}
