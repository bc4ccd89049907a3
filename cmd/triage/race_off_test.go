//go:build !race

package main

// effort is how much the long tests do.
const effort = 4
