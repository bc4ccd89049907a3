//go:build race

package main

// effort is how much the long tests do: under the race detector everything takes many times as long.
const effort = 1
