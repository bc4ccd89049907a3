// Package window answers one question: how long does the backend take just now, and how long when all is well?
//
// Recent holds the last Span ticks of a route: completions, the sum of their times to first byte, errors, arrivals. It
// sums over the newest ticks until it has enough samples, so that a busy route is judged on a tenth of a second and a
// quiet one on two seconds; its mean comes with a standard error, because twenty samples of a heavy-tailed service tell
// little (sd of the mean = cv/√n).
//
// Baseline is the time to first byte when all is well: the median of the means of up to 60 windows of at least 30
// successes and half a second. It cannot drift: it falls at once and rises by at most 0.05 % a window, and the caller
// feeds it only while the route is healthy. A baseline that learned during an incident would learn the incident
// (envoy#38338, failsafe-go#127). The first completions after a start are the short ones (length bias), so the first window
// lasts a second, and the first ten windows may still move the baseline freely.
//
// Until the first window is closed a guess stands in for it: the lowest mean of a few early samples, of requests that had the
// backend nearly to themselves. A process that starts in the middle of a flood has nothing better.
//
// The package is pure: times are durations since the controller's start.
package window
