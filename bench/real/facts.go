package real

import (
	"slices"
	"time"

	"triage/bench/peer/facts"
	"triage/bench/sim"
)

// Facts are what contenders are told of a trial. Their pools are what only somebody knows who tunes by hand.
func (t Trial) Facts(b Backend) facts.Facts {
	sc := t.Scenario
	f := facts.Facts{Endpoints: b.Endpoints, Patience: sc.Clients.Deadline, Connections: t.connections() + 1000}
	for class := range sc.Classes {
		f.Classes = append(f.Classes, className(sc.Classes, class))
	}
	for _, r := range sc.Routes {
		f.Routes = append(f.Routes, facts.Route{Name: r.Name, Path: path(r), Class: r.Class, Stage: min(sc.StageOf(r.Name), mostStage)})
	}
	for _, r := range sc.Resources {
		if p := t.pool(r); len(p.Routes) > 0 {
			f.Pools = append(f.Pools, p)
		}
	}
	return f
}

// pool is a resource as who tunes by hand would see it: in its routes' first step on it.
func (t Trial) pool(resource sim.Resource) facts.Pool {
	sc := t.Scenario
	p := facts.Pool{Name: resource.Name, Size: resource.Size}
	if resource.PerEndpoint {
		p.Size *= sc.Endpoints
	}
	rates := make([]float64, len(sc.Phases))
	others, work := 0.0, 0.0 // a second, before anything happens
	for _, r := range sc.Routes {
		i := slices.IndexFunc(r.Steps, func(s sim.Step) bool { return s.Resource == resource.Name && !s.After })
		if i < 0 || t.narrowest(r) != resource.Name {
			continue
		}
		p.Routes = append(p.Routes, r.Name)
		if r.Class > 0 {
			others += sc.Phases[0].Rates[r.Name]
			work += sc.Phases[0].Rates[r.Name] * r.Steps[i].Service.Mean.Seconds()
		}
		for k, phase := range sc.Phases {
			if r.Class == 0 {
				rates[k] += phase.Rates[r.Name] * r.Steps[i].Service.Mean.Seconds()
			}
		}
	}
	p.Critical = slices.Max(rates)
	if others > 0 {
		p.Takes = time.Duration(work / others * float64(time.Second))
	}
	return p
}

// narrowest is the resource with the fewest places that a route needs: there it is limited.
func (t Trial) narrowest(r sim.Route) (name string) {
	least := 0
	for _, s := range r.Steps {
		i := slices.IndexFunc(t.Scenario.Resources, func(r sim.Resource) bool { return r.Name == s.Resource })
		if i < 0 || s.After {
			continue
		}
		size := t.Scenario.Resources[i].Size
		if t.Scenario.Resources[i].PerEndpoint {
			size *= t.Scenario.Endpoints
		}
		if name == "" || size < least {
			name, least = s.Resource, size
		}
	}
	return name
}

// ClassName is the name of a class in configurations and tables, when there are so many.
func ClassName(classes, class int) string { return className(classes, class) }
