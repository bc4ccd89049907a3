//go:build !race

package shed_test

// Everything as it is meant.
const thin = 1
