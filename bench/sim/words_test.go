package sim_test

import (
	"testing"

	"triage/bench/sim"
)

// sums adds up what came of an episode's first seeds while something is wrong: requests offered, served, and sent in vain.
func sums(t *testing.T, name string, change func(*sim.Scenario)) (offered, served, inVain int) {
	t.Helper()
	for _, e := range zoo(t) {
		if e.Name != name {
			continue
		}
		for seed := 1; seed <= seeds; seed++ {
			s := draw(t, e, seed)
			change(&s)
			r := run(t, s, e.Dice(sim.Development, seed))
			for i, p := range s.Phases {
				for _, tally := range r.Phases[i] {
					if p.Label == sim.Overload {
						offered, served, inVain = offered+tally.Offered, served+tally.Served, inVain+tally.Failed
					}
				}
			}
		}
	}
	if offered == 0 {
		t.Fatalf("there is no episode %s, or nothing is offered in it", name)
	}
	return offered, served, inVain
}

// Clients that tell when they leave are served more often, and fewer of their requests are worked on in vain.
func TestTellingDeadlinesHelps(t *testing.T) {
	_, mute, muteInVain := sums(t, "tells-deadline", func(s *sim.Scenario) { s.Clients.TellsDeadline = false })
	_, told, toldInVain := sums(t, "tells-deadline", func(*sim.Scenario) {})
	t.Logf("served %d, in vain %d; when they do not tell, %d and %d", told, toldInVain, mute, muteInVain)
	if float64(told) < 1.02*float64(mute) || float64(toldInVain) > 0.7*float64(muteInVain) {
		t.Errorf("%d served and %d in vain, against %d and %d when nobody tells; want 2 %% more and a third less", told, toldInVain, mute, muteInVain)
	}
}

// Of users of one class those who have begun a journey can finish it: what has to go, goes at the door.
func TestWhoHasComeFurtherIsServed(t *testing.T) {
	offered, lost, turnedAway := 0, 0, 0
	for _, e := range zoo(t) {
		for seed := 1; e.Name == "visits-of-one-class" && seed <= seeds; seed++ {
			s := draw(t, e, seed)
			r := run(t, s, e.Dice(sim.Development, seed))
			for i := range s.Phases {
				turnedAway += r.Phases[i]["browse"].Refused
				for _, route := range []string{"product", "cart", "checkout"} {
					tally := r.Phases[i][route]
					offered, lost = offered+tally.Offered, lost+tally.Offered-tally.Served
				}
			}
		}
	}
	if turnedAway < offered/20 {
		t.Fatalf("%d of the first stage were refused, %d later ones asked for: the test shows nothing", turnedAway, offered)
	}
	if lost*200 > offered {
		t.Errorf("%d of %d requests of those who had begun were lost; want one in two hundred at most", lost, offered)
	}
}
