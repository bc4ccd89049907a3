// Package shortage answers one question: is this process itself short of something?
//
// Three things can run out, and none of them shows in what the backend does: memory, file descriptors, and time of the scheduler. Four times
// a second each is measured and put on a scale: 0 is none of it is short, 1 is that it is about to run out.
//
//	memory       what the last collection left, with stacks, ÷ the soft limit (GOMEMLIMIT, or 90 % of the control group's)   0 at 0.70, 1 at 0.90
//	descriptors  the lowest free descriptor ÷ the limit of open files (RLIMIT_NOFILE)                                        0 at 0.85, 1 at 0.97
//	scheduler    median time from ready to running of goroutines, over about a second                                        0 at 20 ms, 1 at 200 ms
//
// The live heap is taken and not what is allocated: under a soft limit the collector lets garbage grow to the limit and then works, which is
// no shortage. The lowest free descriptor is never more than are open, and as many when it matters, without counting them.
//
// The worst of the three counts. Who has timeouts shortens them by Scale: down to a tenth at 1, as Envoy's overload manager does, but never
// below a floor that an honest client meets.
package shortage
