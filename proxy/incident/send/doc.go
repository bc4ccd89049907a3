// Package send answers one question: who is told of an incident, and what if they do not listen?
//
// Told are: that an incident was opened, each change of its state, and a verdict that has become sure. Receivers understand one of four forms: generic
// JSON (signed with HMAC-SHA-256 over time and body, if there is a key), a Slack incoming webhook, Alertmanager's API v2 (told again every minute while
// the incident is open, or it would resolve it), Grafana's annotations.
//
// Each receiver has a queue of 1,000 messages and one goroutine. A message is tried until it is taken: after a second, then twice as long each time
// up to five minutes, a fifth of it drawn, for two hours; each try ends after ten seconds. What is refused for good (a status of the 4xx but 408, 425 and 429), too old, or finds the
// queue full becomes a dead letter: a line of JSON in a file, or a count if there is none. Redirects are not followed: the address is the operator's, and
// nothing that is told decides where it goes.
//
// Tell never waits. Messages that were not taken when the process ends become dead letters too.
package send
