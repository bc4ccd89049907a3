//go:build unix

package http1

// Supported says whether this system's sockets can be read without waiting.
const Supported = true
