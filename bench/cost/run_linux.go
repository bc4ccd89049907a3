package cost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

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
	// gone are peers that are not measured any more.
	gone  map[string]bool
	paths map[string]string
	// reference is nginx's saturation in requests a second; 0 until it is known.
	reference   float64
	done, turns int
}

// Run measures. It tells keep after every turn what there is until then; what it gives with an error is what was measured.
func Run(ctx context.Context, s Settings, keep func(record.Record) error) (r record.Record, err error) {
	if err := s.Check(); err != nil {
		return r, err
	}
	b := &bench{Settings: s.withDefaults(), ctx: ctx, keep: keep, gone: map[string]bool{}, paths: map[string]string{}}
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
		b.turns += b.rounds(part) * len(b.Peers)
	}
	for _, part := range b.Parts {
		for round := 1; round <= b.rounds(part); round++ {
			for i := range b.Peers {
				// Another one begins every round: who comes after whom must not matter. But nginx's saturation is asked for.
				name := b.Peers[(i+round-1)%len(b.Peers)]
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

// rounds: what grows is measured over wide ranges, and less often.
func (b *bench) rounds(part string) int {
	if slices.Contains([]string{"connections", "routes", "clients", "bodies"}, part) {
		return (b.Rounds + 1) / 2
	}
	return b.Rounds
}

// invite looks who is there.
func (b *bench) invite() error {
	there := 0
	for _, name := range b.Peers {
		c := contenderOf(name)
		peer := record.Peer{Name: name, Doc: c.doc}
		var path string
		if path, peer.Absent = c.find(b.Program); peer.Absent == "" {
			there++
			b.paths[name] = path
			if name != Nothing {
				peer.Version = c.versionOf(path)
			}
		} else {
			b.gone[name] = true
		}
		b.rec.Peers = append(b.rec.Peers, peer)
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
	g := &guest{bench: b, contender: contenderOf(name), round: round}
	g.index = slices.IndexFunc(b.rec.Peers, func(p record.Peer) bool { return p.Name == name })
	err := g.measure(part)
	var died error
	if g.process != nil {
		died = g.process.died()
	}
	folder := g.dir + "/"
	err = errors.Join(err, g.stop())
	if died != nil {
		err = died // what went wrong because of it says less
	}
	if err != nil && b.ctx.Err() == nil { // the others go on without it
		g.put(cmp.Or(g.at, part+": start"), nil, record.Trial{Cut: strings.ReplaceAll(err.Error(), folder, "")})
		b.gone[name] = true
	}
	return b.keep(b.rec)
}

// guest is a peer in its turn.
type guest struct {
	*bench
	contender
	index, round int
	dir          string
	listen       string
	process      *process
	at           string // the case that is being measured
}

// enter starts the proxy with so many routes, 0 for what is usual with it, and directs the clients to it.
func (g *guest) enter(routes int) (err error) {
	if err := g.stop(); err != nil {
		return err
	}
	if g.name == Nothing {
		return g.ends.aim(g.ends.origin)
	}
	if g.dir, err = os.MkdirTemp("", "triage-cost-"); err != nil {
		return fmt.Errorf("making a folder for %s: %w", g.name, err)
	}
	if g.listen, err = freeAddress(); err != nil {
		return err
	}
	p := place{Dir: g.dir, Listen: g.listen, Origin: g.ends.origin, Descriptors: min(g.descriptors, g.most()), Routes: routeNames(routes)}
	args, text, err := g.configure(p)
	if err != nil {
		return err
	}
	g.rec.Peers[g.index].Config = text
	if g.process, err = start(g.ctx, g.where, g.name, g.paths[g.name], args, g.listen); err != nil {
		return err
	}
	return g.ends.aim(g.listen)
}

// stop ends the proxy, if one runs.
func (g *guest) stop() (err error) {
	g.ends.hangUp()
	if g.process != nil {
		err = g.process.stop()
		g.process = nil
	}
	if g.dir != "" {
		err = errors.Join(err, os.RemoveAll(g.dir))
		g.dir = ""
	}
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
