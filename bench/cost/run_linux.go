package cost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"triage/bench/peer"
	"triage/bench/peer/facts"
	"triage/bench/record"
)

// bench is one measurement of everybody. It belongs to one goroutine, whose thread is on the ends' core.
type bench struct {
	Settings
	ctx         context.Context
	ends        *ends
	where       seats
	descriptors int
	rec         record.Record
	keep        func(record.Record) error
	// guests are the peers by their names.
	guests map[string]peer.Contender
	// gone are those that are not measured any more.
	gone map[string]bool
	// reference is nginx's saturation in requests a second; 0 until it is known.
	reference   float64
	done, turns int
}

// Run measures. It tells keep after every turn what there is until then; what it gives with an error is what was measured.
func Run(ctx context.Context, s Settings, keep func(record.Record) error) (r record.Record, err error) {
	if err := s.Check(); err != nil {
		return r, err
	}
	b := &bench{Settings: s.withDefaults(), ctx: ctx, keep: keep, guests: map[string]peer.Contender{}, gone: map[string]bool{}}
	over := make(chan struct{})
	go func() { // its thread is pinned, and ends with it
		defer close(over)
		err = b.run()
	}()
	<-over
	b.rec.Ended = time.Now().UTC()
	return b.rec, err
}

func (b *bench) run() (err error) {
	b.rec = record.Record{
		Kind: record.Cost, Begun: time.Now().UTC(), Machine: record.ThisMachine(), Reference: "nginx", Measures: measures(),
	}
	if err := b.invite(); err != nil {
		return err
	}
	if b.where, err = takeSeats(); err != nil {
		return err
	}
	b.descriptors = wantDescriptors(b.most())
	if b.ends, err = newEnds(); err != nil {
		return err
	}
	defer b.ends.close()
	for _, part := range b.Parts {
		b.turns += b.rounds(part) * len(b.PeersOf(part))
	}
	for _, part := range b.Parts {
		peers := b.PeersOf(part)
		for round := 1; round <= b.rounds(part); round++ {
			for i := range peers {
				// Another one begins every round: who comes after whom must not matter. But nginx's saturation is asked for.
				name := peers[(i+round-1)%len(peers)]
				if err := errors.Join(b.turn(part, name, round), b.ctx.Err()); err != nil {
					return b.cut(err)
				}
			}
		}
	}
	return b.losses()
}

// cut notes that the measurement ends before its time.
func (b *bench) cut(err error) error {
	if b.ctx.Err() != nil {
		b.rec.Cut = "it was told to end"
		return errors.Join(b.ctx.Err(), b.losses())
	}
	b.rec.Cut = err.Error()
	return errors.Join(err, b.losses())
}

// losses are the peers that could not be measured to the end.
func (b *bench) losses() error {
	var all []error
	for _, t := range b.rec.Runs {
		if t.Cut != "" {
			all = append(all, fmt.Errorf("%s, %s: %s (what was measured until then is kept)", b.rec.Peers[t.Peer].Name, b.rec.Scenarios[t.Scenario].Name, t.Cut))
		}
	}
	return errors.Join(all...)
}

// rounds: what grows is measured less often.
func (b *bench) rounds(part string) int {
	if slices.Contains(grows, part) {
		return (b.Rounds + 1) / 2
	}
	return b.Rounds
}

// invite looks who is there.
func (b *bench) invite() error {
	for _, c := range peer.Bare(b.Program) {
		b.guests[c.Name()] = c
	}
	there := 0
	for _, name := range b.Peers {
		c := b.guests[name]
		p := record.Peer{Name: name, Doc: c.Doc(), Config: c.Config(), Absent: c.Absent()}
		if b.gone[name] = p.Absent != ""; p.Absent == "" {
			p.Version = c.Version(b.ctx)
			there++
		}
		b.rec.Peers = append(b.rec.Peers, p)
	}
	if _, err := exec.LookPath("wrk"); b.Wrk && err != nil {
		return errors.New("wrk is not installed: apt-get install wrk")
	}
	if there == 0 {
		return fmt.Errorf("none of the peers is there: %s", b.rec.Peers[0].Absent)
	}
	return nil
}

// spare is how many descriptors a process has besides connections.
const spare = 200

// most is how many descriptors all sizes would need: a busy connection has two ends in the proxy, and two here.
func (b *bench) most() int { return 2*max(slices.Max(b.Open), slices.Max(b.Connections)) + spare }

// enough says whether so many descriptors are allowed.
func (b *bench) enough(needed int) error {
	if needed <= b.descriptors {
		return nil
	}
	return needsMore(fmt.Sprintf("needs %d open files in one process, %d are allowed (ulimit -n %d)", needed, b.descriptors, needed))
}

// needsMore is why a size was not measured.
type needsMore string

func (n needsMore) Error() string { return string(n) }

// turn is one peer's in one round of one part.
func (b *bench) turn(part, name string, round int) error {
	if b.Say != nil {
		b.Say(Progress{Part: part, Peer: name, Round: round, Rounds: b.rounds(part), Share: float64(b.done) / float64(b.turns)})
	}
	b.done++
	if b.gone[name] {
		return nil
	}
	g := &guest{bench: b, Contender: b.guests[name], round: round, observe: part != "refusal"}
	g.index = slices.IndexFunc(b.rec.Peers, func(p record.Peer) bool { return p.Name == name })
	err := g.measure(part)
	if stopped := g.stop(); err == nil || stopped != nil {
		err = stopped // of a proxy that has ended by itself; what went wrong because of it says less
	}
	if err != nil && b.ctx.Err() == nil { // the others go on without it
		g.put(cmp.Or(g.at, part+": start"), nil, record.Trial{Cut: err.Error()})
		b.gone[name] = true
	}
	return b.keep(b.rec)
}

// guest is a peer in its turn.
type guest struct {
	*bench
	peer.Contender
	index, round int
	// observe says that it is to refuse nobody but by a quota.
	observe bool
	running *peer.Running // nil: it does not run
	pids    []int         // of all its processes
	at      string        // the case that is being measured
}

// enter starts the proxy with so many routes, 0 for what is usual with it, and directs the clients to it.
func (g *guest) enter(routes int) (err error) {
	if err := g.stop(); err != nil {
		return err
	}
	f := facts.Facts{
		Endpoints: []string{"http://" + g.ends.origin}, Routes: theRoutes(routes), Observe: g.observe, Connections: g.most() / 2,
	}
	if routes == 0 && (strings.HasPrefix(g.Name(), "triage") || strings.HasSuffix(g.Name(), peer.AlikeSuffix)) {
		f.Routes = theRoutes(usualRoutes)
	}
	if err := pin(g.where.proxy); err != nil {
		return err
	}
	g.running, err = g.Start(g.ctx, f)
	if err = errors.Join(err, pin(g.where.ends)); err != nil {
		return err
	}
	if g.running.Process != nil {
		if g.pids, err = family(g.running.Process.PID()); err != nil {
			return err
		}
	}
	return g.ends.aim(g.address())
}

// address is where the clients ask.
func (g *guest) address() string { return strings.TrimPrefix(g.running.URLs[0], "http://") }

// theRoutes are n of them, by names.
func theRoutes(n int) []facts.Route {
	all := make([]facts.Route, n)
	for i := range all {
		all[i].Name = fmt.Sprintf("r%05d", i)
		all[i].Path = "/" + all[i].Name + "/"
	}
	return all
}

// stop ends the proxy, if one runs.
func (g *guest) stop() (err error) {
	g.ends.hangUp()
	if g.running != nil {
		err = g.running.Stop()
	}
	g.running, g.pids = nil, nil
	return err
}

// put adds what was measured in a case.
func (g *guest) put(name string, numbers map[string]float64, t record.Trial) {
	i := slices.IndexFunc(g.rec.Scenarios, func(s record.Scenario) bool { return s.Name == name })
	if i < 0 {
		i = len(g.rec.Scenarios)
		g.rec.Scenarios = append(g.rec.Scenarios, record.Scenario{Name: name, Numbers: numbers})
	}
	t.Scenario, t.Peer, t.Round = i, g.index, g.round
	if t.Values == nil {
		t.Values = map[string]record.Number{}
	}
	g.rec.Runs = append(g.rec.Runs, t)
}
