// Package diff answers one question: what is different between two records, and is it more than noise?
//
// Runs are compared that a peer of the same name made of the same scenario: equal name, draw, seed, dice and phases. Runs in which the machine
// was measured do not count. Besides the record's own values the share served and the latency of each class are compared.
//
// # The test
//
// Rounds scatter, and so do seeds. If nothing had changed, then within each drawn scenario it would not matter which of its runs belong to A and
// which to B. So they are dealt anew in every possible way, up to a number, beyond it at random (a permutation test, stratified by scenario: E. S. Edgington,
// "Randomization Tests"): p is the share of deals whose mean difference is at least as large as the one that was seen. It assumes nothing of how values are
// distributed, and says by itself when the runs are too few: three rounds against three have 20 deals, so that p cannot fall below 0.1. Four against four, or six
// seeds once each, can reach 5 %.
//
// A difference is said to be a change if p is at most 5 % and it is larger than the measure's margin: the harness's own statement by how much two
// runs of the same may differ. Of many comparisons a twentieth falls below 5 % by chance alone; how many were tested is told.
//
// With too few runs noise cannot be known from the records. Then the difference stands beside the margin, and no more is said. What was
// simulated does not scatter: any difference is a change.
package diff
