// Package edge answers one question: who asks, and over what?
//
// It owns the listening socket, TLS, the limits on connections, headers and stalled bodies, and the client's identity.
// It runs net/http's server; what that leaves open is closed here.
//
// # Limits
//
//   - Connections: at MaxConnections those that have been idle for the longest, a second at least, make room; if there are none the
//     listener stops accepting, and clients wait in the kernel's queue. A client that has PerClient is refused with a reset; trusted proxies are not
//     counted. A full table of file descriptors slows accepting down and never ends it.
//   - Shortage: while the process is short of something timeouts shrink, and idle connections go sooner (package shortage).
//   - Header: MaxHeader bytes of request line and fields on the wire (HTTP/1.1; for HTTP/2 about the same of the decoded
//     list), and 500 fields; more is 431. A client has ReadHeader for all of it, the TLS handshake too, and Idle between requests.
//   - Bodies: no total time limit, since uploads and event streams may last. Instead a connection that stands still is
//     cut: Read without a byte of the request body while the handler waits for one, Write without the client taking what
//     the handler writes (64 KiB at a time, so that is also the slowest a client may be). Of a request body that comes below BodyRate,
//     however evenly, Read is the longest in all: waiting uses it up and bytes earn it back. The deadline is moved at most
//     once a second, so a cut comes up to a second (a quarter of the limit, if that is less) late, never early. Waiting in the handler does not count.
//   - HTTP/2: 100 streams a connection, windows of 64 KiB a stream and 1 MiB a connection. What comes beside requests and their
//     bodies (PING, SETTINGS, PRIORITY, unknown frames) is bounded to 2 MiB at once and 64 KiB a second, requests that are abandoned
//     to 200 a second if they are half of all; then the connection is closed. net/http bounds CONTINUATION and what waits to be answered.
//
// # Requests that do not reach the handler
//
// CONNECT and TRACE (405), more than 500 fields (431), an HTTP/2 preface on a plain connection (505), an opaque target
// (400); each closes the connection. net/http itself refuses what is not HTTP: differing Content-Length, malformed
// Transfer-Encoding (501), no or two Host, control characters (400).
//
// A request with both Content-Length and Transfer-Encoding, with two lengths, with Transfer-Encoding in HTTP/1.0 (RFC 9112, section 6.1), or with a target
// in absolute form that names another authority than Host gets 400. net/http shows none of this to a handler, so what it reads is followed
// (doubt), under TLS as well, whose handshake is done here. What is only odd (bare LF, a fold, chunk extensions) is served, and the connection is closed
// after the answer. Connections of HTTP/1.0 are closed after one response.
//
// Upgrade is removed unless it is websocket: h2c would be a tunnel past every limit. A target in absolute form becomes
// origin form.
//
// # The fast lane
//
// With Fast a plain listener serves connections itself, a goroutine each, by package http1, if its handler is a FastHandler. What is not plain
// goes over to net/http's server with the connection and what was read of it (screen): an upgrade, an unknown expectation, announced trailers,
// HTTP/1.0, methods that are never forwarded, a target that is no plain path. What is ambiguous gets 400, and the connection is closed. The
// limits above hold alike; a client's header may not be larger than 64 KiB here.
//
// # Identity
//
// ClientOf tells who asks. X-Forwarded-For is read only from a peer in TrustedProxies, and from the right: every proxy
// appends whom it saw, so the first address from the right that is not a trusted proxy is the client's, and everything left
// of it is hearsay. Sanitize removes what an untrusted peer has no right to say and finds twins, Forwarded says it anew.
//
// A peer in ProxyProtocol has to say by a PROXY header for whom it connects, before TLS and before any lane has the connection; from there on that is
// the peer. From others such a header is no HTTP. A client's certificate gives it a name (Client.Certificate) that no field can.
//
// # TLS
//
// Versions 1.2 and 1.3, certificates by name, client certificates required, optional or not asked for. What a handshake goes by is made of the files as they
// are (package keys), with ticket keys of its own that are drawn anew every six hours.
//
// # Patience
//
// Patience tells until when the client waits, if it says so. Anybody may: a deadline can only be to the client's own loss.
//
// # Change
//
// Update changes trusted proxies, Read, Write, MaxConnections and certificates for everybody at once; ReadHeader, Idle and
// MaxHeader for connections that are accepted afterwards, so that none is cut by a reload. Certificates are also read
// again when their files change, looked at once a second at most, in a handshake.
//
// # Not done
//
// No HTTP/3, no revocation lists. Forwarded (RFC 7239) is written and not read for identity. Hijacked connections count as
// connections, but Shutdown does not wait for them.
package edge
