package shed

import "sync/atomic"

// memory bounds what those who wait hold. The rooms bound their number, but a request can be a thousand times as large as another one, and who
// sends large ones must not take the room of those who do not.
//
// Everybody who is less important finds less: the lowest class of n may fill (n+1)/2n of it, the most important one all. So whatever the lower
// ones send, half of it at least is there for the highest, and nobody has to be pushed out.
type memory struct {
	most, held atomic.Int64
}

// configure says how much there may be.
func (m *memory) configure(s Settings) { m.most.Store(s.QueueBytes) }

// take takes what somebody of a class holds while it waits; false: there is no room for it.
func (m *memory) take(bytes int64, class, classes int) bool {
	most := m.most.Load()
	if held := m.held.Add(bytes); most == 0 || held <= most-most/2*int64(class)/int64(max(classes, 1)) {
		return true
	}
	m.held.Add(-bytes)
	return false
}

func (m *memory) give(bytes int64) { m.held.Add(-bytes) }
