package limit

import "math"

// mostNumber is above anything that is measured here: seconds, requests, ratios.
const mostNumber = 1e9

// number is what was measured, or 0 where that cannot have been measured: less than nothing, or no number at all.
func number(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return math.Min(v, mostNumber)
}

// sane makes a sample one that the law can reckon with, whatever counted it.
func (in Sample) sane() Sample {
	in.Samples, in.Lost, in.InFlight = max(in.Samples, 0), max(in.Lost, 0), max(in.InFlight, 0)
	in.Waiting, in.Peak = max(in.Waiting, 0), max(in.Peak, 0)
	in.Sum, in.Base, in.Y, in.SE, in.CV = number(in.Sum), number(in.Base), number(in.Y), number(in.SE), number(in.CV)
	in.Useful, in.Peaks, in.Critical = number(in.Useful), number(in.Peaks), number(in.Critical)
	return in
}
