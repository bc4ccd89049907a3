package origin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Truth is what an origin knows of itself and of what it was asked.
type Truth struct {
	Snapshot
	// Records are the requests one by one, as far as they were recorded; Dropped is how many were not.
	Records []Record `json:"records"`
	Dropped int      `json:"dropped"`
}

// Truth copies what the origin knows. Times are seconds since the beginning (Play), or since the origin was made.
func (o *Origin) Truth() Truth {
	t := Truth{Snapshot: o.Snapshot()}
	t.Records, t.Dropped = o.records.copy(*o.begun.Load())
	return t
}

// control is the origin's remote control; a script begins once.
type control struct {
	origin *Origin
	script []Moment

	mu    sync.Mutex
	begun bool
}

// Control is the origin's remote control:
//
//	POST /begin   {"unix_ns": N}: the script begins at that instant; once
//	PUT  /faults  Faults as JSON: these are the faults from now on
//	GET  /truth   Truth as JSON
func Control(o *Origin, script []Moment) http.Handler {
	c := &control{origin: o, script: script}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /begin", c.begin)
	mux.HandleFunc("PUT /faults", c.faults)
	mux.HandleFunc("GET /truth", c.truth)
	return mux
}

func (c *control) begin(w http.ResponseWriter, r *http.Request) {
	var when struct {
		UnixNs int64 `json:"unix_ns"`
	}
	if !read(w, r, &when) {
		return
	}
	c.mu.Lock()
	again := c.begun
	c.begun = true
	c.mu.Unlock()
	if again {
		http.Error(w, "the script has begun before; an origin plays it once", http.StatusConflict)
		return
	}
	// From the wall clock to the one that never jumps.
	begin := time.Now().Add(time.Until(time.Unix(0, when.UnixNs)))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		// CheckScript has seen the script: it cannot fail.
		_ = c.origin.Play(ctx, begin, c.script)
	}()
	go func() {
		<-c.origin.stop
		cancel()
	}()
	w.WriteHeader(http.StatusNoContent)
}

func (c *control) faults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	if !read(w, r, &f) {
		return
	}
	if err := c.origin.Set(f); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (c *control) truth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	// An error here is a client that has left.
	_ = json.NewEncoder(w).Encode(c.origin.Truth())
}

// read decodes a small JSON body, or answers what is wrong with it.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		http.Error(w, fmt.Sprintf("reading the body: %v", err), http.StatusBadRequest)
		return false
	}
	return true
}
