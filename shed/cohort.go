package shed

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

const (
	// Slices is into how many slices a class is cut by where its users come from; each of those is cut again, by session.
	Slices = 128
	// Cohorts is the number of cohorts that makes, 0 the best.
	Cohorts = Slices * Slices
	// cohortEpoch is how often cohorts are drawn anew, so that nobody is in the wrong one for ever (DAGOR, SoCC'18: hourly).
	cohortEpoch = time.Hour
)

// CohortKey is the secret under which users are put into cohorts. Sidecars that share it refuse the same users without talking to
// each other; a client that does not know it cannot choose an address or a session id with a better place.
type CohortKey [32]byte

// Origin gives the number that stands for where a user comes from: what decides about the slice.
func (k *CohortKey) Origin(address string) uint16 { return uint16(k.hash('a', address)) }

// Cohort gives the cohort of a user at a time. The slice is drawn for the origin: whoever invents sessions stays in the slice of his
// address. Inside it the place is drawn for the session, so that users behind one address keep their order; "" stands for a session
// that nobody has seen complete anything, or for none at all: it has the last place, however it calls itself.
//
// Each origin, and each session, changes its place at its own instant inside the hour, so that there is no moment at which everybody's
// luck turns.
func (k *CohortKey) Cohort(origin uint16, session string, at time.Time) uint16 {
	own := uint16(Slices - 1)
	if session != "" {
		own = slice(k.hash('s', session), at)
	}
	return slice(binary.LittleEndian.Uint64(k[:])+uint64(origin)*golden, at)*Slices + own
}

// hash is a keyed hash; of is what kind of thing the text is.
func (k *CohortKey) hash(of byte, text string) uint64 {
	var buf [128]byte
	n := copy(buf[:], k[:])
	buf[n] = of
	n++
	if len(text) > len(buf)-n {
		sum := sha256.Sum256([]byte(text))
		n += copy(buf[n:], sum[:])
	} else {
		n += copy(buf[n:], text)
	}
	sum := sha256.Sum256(buf[:n])
	return binary.LittleEndian.Uint64(sum[:])
}

// golden is 2^64 divided by the golden ratio: what SplitMix64 counts by (Steele et al., OOPSLA'14).
const golden = 0x9e3779b97f4a7c15

// slice draws a slice for the epoch that the seed is in. Nobody outside knows the seed.
func slice(seed uint64, at time.Time) uint16 {
	z := scramble(seed)
	epoch := (uint64(at.UnixNano()) + z%uint64(cohortEpoch)) / uint64(cohortEpoch)
	return uint16(scramble(z+epoch*golden) % Slices)
}

// scramble is the output function of SplitMix64.
func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
