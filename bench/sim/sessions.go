package sim

import (
	"time"

	"triage/shed"
	"triage/shed/stage"
)

// sessions is what a sidecar knows of its users by the rule of package proxy: only what it has seen them complete.
type sessions struct {
	table  *stage.Table
	stages []uint8 // by route
}

func newSessions(f Facts) sessions {
	s := sessions{table: stage.New()}
	for _, r := range f.Routes {
		s.stages = append(s.stages, uint8(min(r.Stage, 255)))
	}
	return s
}

// look gives a session's stage and cohort. A user of the simulator has an address of their own: that is their origin. The hashes are as
// good as those of shed.CohortKey, without their price.
func (s sessions) look(now time.Duration, r *Request) (completed uint8, cohort uint16) {
	session, known := s.table.Look(now, sessionKey(r))
	own := uint16(shed.Slices - 1)
	if known {
		own = uint16(scramble(r.Session) % shed.Slices)
	} else {
		session.Origin = originOf(r)
	}
	return session.Stage, uint16(mix(uint64(session.Origin), 1)%shed.Slices)*shed.Slices + own
}

func (s sessions) complete(now time.Duration, r *Request) {
	s.table.Complete(now, sessionKey(r), stage.Session{Stage: s.stages[r.Route], Origin: originOf(r)})
}

func originOf(r *Request) uint16 { return uint16(mix(r.Session, 2)) }

func sessionKey(r *Request) stage.Key { return stage.Key(max(scramble(r.Session), 1)) }

// StageOf is how far a session has come that was served by the route: the route's place in the journeys, from 1 on.
func (s Scenario) StageOf(route string) int {
	furthest := 0
	for _, j := range s.Journeys {
		for i, st := range j.Stages {
			if st.Route == route {
				furthest = max(furthest, i+1)
			}
		}
	}
	return furthest
}
