package origin

// Snapshot is the truth about an origin. Each route and each pool is consistent in itself; they are read one after the
// other.
type Snapshot struct {
	Routes []RouteSnapshot
	Pools  []PoolSnapshot
	// Unknown counts requests whose path no route covers.
	Unknown uint64
	// Late counts services whose end was noticed more than 5 ms late: if they are many, the machine was too busy.
	Late uint64
}

// RouteSnapshot counts, since the start, what became of a route's requests.
type RouteSnapshot struct {
	Name string
	Pool string
	// Begun counts requests that came.
	Begun uint64
	// Served counts answers of 200 to a client that was there.
	Served uint64
	// Failed counts answers of 500.
	Failed uint64
	// Refused counts answers of 503 because too many waited, or it waited too long.
	Refused uint64
	// Abandoned counts requests whose client had left when the answer was ready, or that left the queue.
	Abandoned uint64
	// Stopped counts requests cut short by Stop.
	Stopped uint64
}

// InFlight is how many of the route's requests are waiting or in service.
func (r RouteSnapshot) InFlight() uint64 {
	return r.Begun - r.Served - r.Failed - r.Refused - r.Abandoned - r.Stopped
}

// PoolSnapshot is a pool's state at the moment; in a processor those wait who are more than its cores.
type PoolSnapshot struct {
	Name    string
	Size    int
	Busy    int
	Waiting int
	// Slow is the factor last given to Origin.Slow.
	Slow float64
	// Contention is the factor, at least 1, by which the present waiters make a service longer.
	Contention float64
	// Speed is the service, in seconds of the unloaded backend, that the pool can do in a second: Size ÷ (Slow · Contention).
	Speed float64
	// Capacity is the requests a second that the pool can serve: Speed ÷ the moving mean of the service times that were
	// lately asked of it. 0 before the first request.
	Capacity float64
}

// Snapshot copies the state; routes and pools come in the order of the settings.
func (o *Origin) Snapshot() Snapshot {
	s := Snapshot{Unknown: o.unknown.Load(), Late: o.room.late.Load()}
	for _, r := range o.routes {
		s.Routes = append(s.Routes, r.snapshot())
	}
	for _, p := range o.pools {
		p.each(func(r resource) { s.Pools = append(s.Pools, r.snapshot()) })
	}
	return s
}

func poolSnapshot(name string, c condition, busy, waiting int, contention float64, mix mean) PoolSnapshot {
	s := PoolSnapshot{Name: name, Size: c.size, Busy: busy, Waiting: waiting, Slow: c.slow, Contention: contention}
	s.Speed = float64(s.Size) / (s.Slow * s.Contention)
	if mix > 0 {
		s.Capacity = s.Speed / float64(mix)
	}
	return s
}
