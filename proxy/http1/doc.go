// Package http1 answers one question: what do these bytes say as HTTP/1.1, and are they allowed to say it?
//
// It is the wire of the fast lane: parsing, framing, connections and their buffers, for both sides. It knows no policy: no routes, no
// limits but sizes, no addresses. proxy/edge runs the client's side with it, proxy/forward the endpoint's.
//
// # The law
//
// A message that could be read in two ways is refused, not repaired (RFC 9112, section 11.2). Lines end in CRLF and in nothing else; a
// bare CR or LF, NUL and other control characters are errors wherever they stand; so are a folded line (section 5.2), white space
// before the colon (section 5.1), a name that is no token, an empty line before the request line. A body is framed by one
// Content-Length of digits only, or by one Transfer-Encoding that is exactly "chunked"; both at once, either of them twice, or a
// Transfer-Encoding in HTTP/1.0, are errors. Chunk sizes are hexadecimal digits and nothing else, at most 15 of them; extensions are
// errors too, since nobody sends them but attackers. Host stands exactly once in a request of HTTP/1.1.
//
// # Connections
//
// A Conn is read and written by one goroutine. It holds a buffer only while there is something in it: one that waits for a client or
// lies idle in a pool has none. Reads and writes go to the socket without a detour: what is there is taken at once, and only if nothing is
// there does the goroutine wait. Deadlines stand still while operations succeed and are moved only when too little of them is left.
//
// Strings of a parsed message are windows on the connection's buffer: they are good until the message is over, and nobody may keep them.
//
// A long body of known length need not come here at all: a Pipe moves it from one connection to the other within the kernel.
//
// A Follower reads along where net/http serves, so that both lanes have the same doubts.
//
// # Promised
//
// No allocation for a message of usual size. What ParseRequest accepts net/http accepts as well, and understands alike
// (FuzzRequest); a body is the same however it is cut into pieces (FuzzChunked).
//
// # Not done
//
// HTTP/2, TLS. Chunk extensions are never passed on.
package http1
