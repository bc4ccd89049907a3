package peer

// cohorts is the number of slices a class is cut into: 128 in DAGOR (SoCC'18, section 4.2) and in Cinnamon.
const cohorts = 128

// cohortOf gives a session's slice in an epoch: the same users until the epoch turns. The finalizer is splitmix64's, which
// spreads consecutive session numbers evenly.
func cohortOf(session, epoch uint64) int {
	z := session + epoch*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % cohorts)
}
