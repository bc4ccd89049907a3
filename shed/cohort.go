package shed

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// cohortEpoch is how often cohorts are drawn anew, so that nobody is in the wrong slice for ever (DAGOR, SoCC'18: hourly).
const cohortEpoch = time.Hour

// CohortKey is the secret under which sessions are put into cohorts. Sidecars that share it refuse the same users without
// talking to each other; a client that does not know it cannot choose a session id with a better place.
type CohortKey [32]byte

// Cohort gives the slice, 0..Cohorts-1, of a session at a time. Each session changes its slice at its own instant inside
// the hour, so that there is no moment at which everybody's luck turns.
func (k *CohortKey) Cohort(session string, at time.Time) uint8 {
	var buf [32 + 64]byte
	n := copy(buf[:], k[:])
	if len(session) > len(buf)-n-8 {
		sum := sha256.Sum256([]byte(session))
		n += copy(buf[n:], sum[:])
	} else {
		n += copy(buf[n:], session)
	}
	own := sha256.Sum256(buf[:n])
	offset := binary.LittleEndian.Uint64(own[:8]) % uint64(cohortEpoch)
	epoch := (uint64(at.UnixNano()) + offset) / uint64(cohortEpoch)
	binary.LittleEndian.PutUint64(buf[n:], epoch)
	drawn := sha256.Sum256(buf[:n+8])
	return drawn[0] % Cohorts
}
