package origin

import (
	"sync"
	"time"
)

// Record is one request as the backend knows it.
type Record struct {
	// Luck is the number that the request brought, or was given.
	Luck     uint64 `json:"luck"`
	Route    string `json:"route"`
	Endpoint int    `json:"endpoint,omitempty"`
	// Begun and Ended are seconds since the beginning (Play); Ended is missing while it is under way.
	Begun float64 `json:"begun"`
	Ended float64 `json:"ended,omitempty"`
	// How is served, failed, refused, abandoned or stopped; "" while it is under way.
	How string `json:"how,omitempty"`
}

// records keeps what became of each request, up to a number.
type records struct {
	most int

	mu      sync.Mutex
	all     []record
	dropped int
}

type record struct {
	luck     uint64
	route    *route
	endpoint int
	begun    time.Time
	ended    time.Time
	how      string
}

// add notes a request that begins; −1 if there is no room for it.
func (r *records) add(t ticket, of *route, endpoint int) int {
	if r.most == 0 {
		return -1
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) >= r.most {
		r.dropped++
		return -1
	}
	r.all = append(r.all, record{luck: t.luck, route: of, endpoint: endpoint, begun: time.Now()})
	return len(r.all) - 1
}

func (r *records) end(i int, how string) {
	if i < 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[i].ended, r.all[i].how = time.Now(), how
}

// copy gives the records with times from an instant on, and how many had no room.
func (r *records) copy(from time.Time) (out []Record, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all {
		v := Record{Luck: e.luck, Route: e.route.settings.Name, Endpoint: e.endpoint, Begun: e.begun.Sub(from).Seconds(), How: e.how}
		if e.how != "" {
			v.Ended = e.ended.Sub(from).Seconds()
		}
		out = append(out, v)
	}
	return out, r.dropped
}
