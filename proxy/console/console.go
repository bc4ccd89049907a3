package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"triage/proxy"
	"triage/proxy/incident"
	"triage/proxy/lever"
)

// Settings join the console to what it shows. All functions and books must be set.
type Settings struct {
	Snapshot func() proxy.Snapshot
	// Totals are what became of the routes' requests since the process began.
	Totals    func() map[string]incident.Counts
	About     func() About
	Incidents *incident.Book
	Levers    *lever.Book
	// Viewers is how many may look at once. 0: 32.
	Viewers int
	// Logger is told of a defect; nil discards that.
	Logger *slog.Logger
}

const (
	usualViewers = 32
	// every is the time between two frames.
	every = time.Second
	// framesWaiting is how many frames a viewer may be behind.
	framesWaiting = 8
)

// Console makes frames for those who look.
type Console struct {
	settings Settings

	mu      sync.Mutex
	trail   trail
	viewers map[*viewer]bool
	news    bool   // somebody came since the last frame, and has no entries yet
	told    uint64 // the newest entry that every viewer has
	closed  bool
}

// viewer is one stream. frames is closed when it is let go.
type viewer struct{ frames chan []byte }

// New checks the settings. Nothing is looked at before Run.
func New(s Settings) (*Console, error) {
	if s.Snapshot == nil || s.Totals == nil || s.About == nil || s.Incidents == nil || s.Levers == nil {
		return nil, fmt.Errorf("console settings: Snapshot, Totals, About, Incidents and Levers must all be set")
	}
	if s.Viewers == 0 {
		s.Viewers = usualViewers
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	return &Console{settings: s, viewers: map[*viewer]bool{}}, nil
}

// Run looks once a second until the context ends, then lets every viewer go.
func (c *Console) Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	defer c.close()
	for {
		c.look()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look remembers the second and tells it. A defect here must not end the proxy: it is told, and the next look may be better.
func (c *Console) look() {
	defer func() {
		if p := recover(); p != nil {
			c.settings.Logger.Error("the console has a defect", "panic", fmt.Sprint(p))
		}
	}()
	s, totals := c.settings.Snapshot(), c.settings.Totals()
	point, recent, seconds, after, watched := c.remember(s, totals)
	if !watched {
		return
	}
	f := c.frame(s, after)
	f.Recent, f.Seconds, f.Point = recent, seconds, point
	c.tell(f)
}

// remember adds to the trail and says what a frame needs of it.
func (c *Console) remember(s proxy.Snapshot, totals map[string]incident.Counts) (point *Point, recent map[string]incident.Counts, seconds float64, after uint64, watched bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.trail.add(s, totals); ok {
		point = &p
	}
	if c.news {
		c.news, c.told = false, 0
	}
	recent, seconds = c.trail.recent()
	return point, recent, seconds, c.told, len(c.viewers) > 0
}

// tell sends the frame to everybody, and lets go who has not taken the last ones.
func (c *Console) tell(f Frame) {
	text := event("frame", f)
	c.mu.Lock()
	defer c.mu.Unlock()
	for v := range c.viewers {
		select {
		case v.frames <- text:
		default:
			c.dropLocked(v)
		}
	}
	if n := len(f.Entries); n > 0 {
		c.told = max(c.told, f.Entries[n-1].Seq)
	}
}

// event is one server-sent event.
func event(name string, value any) []byte {
	body, err := json.Marshal(value)
	if err != nil { // an infinite number in a snapshot
		body, _ = json.Marshal(map[string]string{"error": err.Error()})
		name = "defect"
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, bytes.TrimSpace(body))
}

// join adds a viewer and gives the last ten minutes; ok is false when there are too many.
func (c *Console) join() (v *viewer, points []Point, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.viewers) >= c.settings.Viewers {
		return nil, nil, false
	}
	v = &viewer{frames: make(chan []byte, framesWaiting)}
	c.viewers[v], c.news = true, true
	return v, append([]Point{}, c.trail.latest()...), true
}

func (c *Console) leave(v *viewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropLocked(v)
}

func (c *Console) dropLocked(v *viewer) {
	if c.viewers[v] {
		delete(c.viewers, v)
		close(v.frames)
	}
}

func (c *Console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for v := range c.viewers {
		c.dropLocked(v)
	}
}

// Viewers is how many look at the moment.
func (c *Console) Viewers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.viewers)
}
