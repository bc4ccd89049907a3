// Package keys answers one question: which certificates and keys do the files hold now?
//
// A [Keys] makes a tls.Config from PEM files, and another one when they have changed: the certificates that are shown, and those that
// the other side has to be certified by. The files are looked at once a second at most, in a handshake, so nothing runs while nobody
// asks. Both sides of the proxy use it: proxy/edge towards clients, proxy/forward towards endpoints.
//
// What cannot be used, as while it is being replaced, leaves the last configuration in force and is logged once. A config never changes
// after it was given out, and what was remembered under the old one (tickets, sessions) is not taken for the new: who is trusted no more
// must not come in by a session from before.
package keys
