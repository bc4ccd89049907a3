//go:build !race

package main

// reloads is how often TestAThousandReloads reloads.
const reloads = 1000
