package sim

import (
	"math"
	"slices"
)

// sustains is how many arrivals a second of a route or journey its narrowest resource can serve, if nobody else comes.
func (s Scenario) sustains(source string) float64 {
	needs := map[string]float64{}
	for _, r := range s.Routes {
		if r.Name == source {
			r.addTo(needs, 1)
		}
	}
	for _, j := range s.Journeys {
		if j.Name != source {
			continue
		}
		goOn := 1.0
		for _, st := range j.Stages {
			for _, r := range s.Routes {
				if r.Name == st.Route {
					r.addTo(needs, goOn)
				}
			}
			goOn *= 1 - st.Leave
		}
	}
	most := math.Inf(1)
	for _, res := range s.Resources {
		size := float64(res.Size)
		if res.PerEndpoint {
			size *= float64(s.Endpoints)
		}
		if needs[res.Name] > 0 {
			most = math.Min(most, size/needs[res.Name])
		}
	}
	return most
}

// addTo adds the seconds that a request of the route needs of each resource, warm caches and no contention assumed.
func (r Route) addTo(needs map[string]float64, times float64) {
	later := 0.0 // from the end backwards: what a slot that is held from here on is held for
	for _, st := range slices.Backward(r.Steps) {
		miss := 1.0
		if st.Cache.Entries > 0 {
			miss -= st.Cache.Hit
		}
		need := st.Service.Mean.Seconds()
		if st.Held {
			need += later
		}
		if st.Resource != "" {
			needs[st.Resource] += times * miss * need
		}
		later += miss * st.Service.Mean.Seconds()
	}
}
