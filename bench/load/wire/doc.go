// Package wire answers one question: how does one core send tens of thousands of HTTP requests a second?
//
// A Client is the clients' end of HTTP/1.1 and nothing more. Whoever sends writes on a connection that is free, or has one opened,
// and goes on; Done is called when the answer has been read to its end. On Linux a Loop does all of it in one goroutine: a request is one write and one read,
// and one wait is for all that has come meanwhile. Elsewhere, and for TLS, large bodies and streams, the goroutine of the connection waits for the answer: two
// reads, of which one finds nothing, and a change of goroutine. net/http's Transport takes two goroutines a connection, three channels a request and a map
// of header fields, several times that.
//
// # Measured
//
// Open loop, generator on one core of two, on the other a server that only reads and writes, three seconds each, twice (load.BenchmarkRate): 50,000 a second with none
// late, 99 % answered within 2.1 ms, 10.8 µs of the core a request; at 70,000 a second 5 and 9 % are more than 5 ms late. By goroutines 50,000 a second
// took 21 µs each, and 83 % and more were late. A loop that does nothing but write and read takes 7.4 µs a request closed, 10.1 open.
//
// # Promised
//
//   - Done is called once for each Exchange that was sent, whatever happens: an answer, an error, the deadline, Close.
//   - One exchange at a time on a connection; a connection is used again only if its answer ended where its framing said.
//   - Send does not wait for the network, connections are opened and large bodies are written by goroutines of their own. (A request of
//     up to 16 KiB is handed to the system, whose buffer for a connection without anything in flight is larger than that.)
//   - A header of an answer has at most 64 KiB; bodies are read and forgotten, however long.
//   - An exchange of which not one byte was answered, because its kept connection had been closed meanwhile, is sent a second time
//     on a new one if it is Safe (RFC 9110, section 9.2.2).
//
// # Not done
//
// Pipelining, HTTP/2, redirects, proxies, compression, trailers (read and forgotten). What of an answer's header is kept is in Answer.
package wire
