// Package isolate answers one question: is the verdict right?
//
// It runs the zoo's episodes with the real law and lets the real isolator (package verdict) look on once a second, as it does in the
// proxy. The zoo says what the truth is (`verdict:` of an episode or of a phase): a route, an endpoint, a resource with the routes that need it,
// the whole upstream, or nothing. At the end of each phase that something is wrong in, the verdict is compared with it, as the record of incidents holds it: the last one
// that was found, also if all is well again by then; while nothing is wrong it has to
// say nothing, unless protection has acted, for nobody asks where no incident is open. A verdict is right if it names the kind and no route but those that the truth names, and, of several, at least half of
// them. Naming any route that is innocent is counted apart: that must never happen.
//
// What the simulator has no model of is made from what it has: connections (the errors of one endpoint are said to be refused
// connections: network), deploys (a change is said to have gone live a second before the trouble: change; one that went live after it, or ten minutes before,
// must not be accused), clients that hang up early (client), and a process that stands still (proxy).
//
// Not done: several sidecars' verdicts put together; the first one's counts.
package isolate
