package edge

import "net/netip"

// Servers is how many http.Servers the listener holds.
func Servers(l *Listener) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.servers)
}

// Walk reads X-Forwarded-For.
func Walk(lines []string, peer netip.Addr, trust []netip.Prefix) netip.Addr {
	return walk(lines, peer, &policy{Settings: Settings{TrustedProxies: trust}})
}
