package http1

// Feed puts bytes where a read would, and says how many there was room for.
func Feed(c *Conn, p []byte) int {
	if c.room() != nil {
		return 0
	}
	n := copy(c.buf[c.w:], p)
	c.w += n
	return n
}

// Heads is how many requests have begun.
func (f *Follower) Heads() int { return f.heads }
