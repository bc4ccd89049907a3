// Package console answers one question: what does the one page show to whoever is on call?
//
//	GET /  /console/…        the page and its few files, the same for everybody: they say nothing of this proxy
//	GET /api/v1/stream       server-sent events: one "hello" with who asks and the last ten minutes, then one "frame" a second
//
// A frame is everything that the page shows, so that one that is lost loses nothing, and a page that was away begins anew. It is made once a second
// for all viewers together, and only while there are any. What is kept for those who come later is a Trail: 600 seconds of counts a class, and ten of
// counts a route.
//
// # Promised
//
// Nothing of this is on the way of a request. At most 32 viewers (the next one gets 503) and eight frames waiting for each: who takes them too slowly is
// let go and may come again. A stream ends after an hour, when its token expires, and when the process ends; the page then asks for a new one.
//
// The page is plain HTML, CSS and ES modules, embedded, without a build step. It loads nothing from elsewhere and nothing inline runs (Policy), it writes what it
// is told as text and never as markup, and it changes things by the public admin API alone, with the token of whoever sits before it. A token is kept by
// that one tab, in its session storage.
//
// # Not done
//
// Graphs of more than ten minutes: that is Grafana's (deploy/grafana).
package console
