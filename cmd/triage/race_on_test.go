//go:build race

package main

// reloads is how often TestAThousandReloads reloads: under the race detector each takes twenty times as long.
const reloads = 250
