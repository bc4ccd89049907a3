package sim

import "time"

// Stall is a stretch of time in which a sidecar's process stands still.
type Stall struct{ At, For time.Duration }

// Stalls are those of each sidecar in a run with a seed: the ones that Run lets come, for whoever lets real processes stand still.
func (s Scenario) Stalls(seed uint64) [][]Stall {
	s = s.defaults()
	all := make([][]Stall, s.Sidecars.Count)
	if s.Sidecars.StallEvery == 0 {
		return all
	}
	for i := range all {
		d := newDice(sidecarSeed(seed, 2*i))
		if s.Sidecars.Count > 1 {
			d.Float64() // when its first tick comes
		}
		for at := d.Pause(s.Sidecars.StallEvery); at < s.lasts(); {
			all[i] = append(all[i], Stall{at, d.Pause(s.Sidecars.StallFor)})
			at += d.Pause(s.Sidecars.StallEvery)
		}
	}
	return all
}

// sidecarSeed is what the n-th sidecar's stream begins with.
func sidecarSeed(seed uint64, n int) uint64 { return mix(seed, uint64(5000+n)) }
