// Package forward answers one question: what did the endpoint answer, and whose fault was it if it did not?
//
// A Forwarder carries one exchange over to one endpoint of its upstream by net/http's Transport and says what became of
// it. It is a copy of its own and not httputil.ReverseProxy, because attribution needs to see four things that one hides:
// the first cause when several errors follow one another, whether the request body was being waited for, whether bytes
// left on the endpoint's connection, and whether bytes came back.
//
// # The law
//
//   - First cause wins. A read from the client that fails, the client's context, the clock and the endpoint's connection
//     are each noted when they happen; what the teardown causes afterwards is not counted.
//   - The endpoint is blamed only on evidence from its connection: it refused, it fell silent, it broke off, or it sent
//     bytes that are not HTTP. An error without such evidence is a defect of ours (reason Internal).
//   - Timeout runs until the final response header and stands still while the client's body is awaited: t − t_client ≥
//     Timeout. So a client that sends slowly cannot make an endpoint look slow. The same for IdleTimeout, which runs only
//     while a read from the endpoint is under way, never while the client takes its time to read.
//   - A body that is not there after 50 ms because its client is slow is told of (Target.SlowBody), and its end goes on only
//     with the caller's word (Target.WholeBody): so callers need not keep a place for who sends slowly.
//   - Hop-by-hop fields stay on their hop (RFC 9110, section 7.6.1), those that Connection names included; but Connection
//     cannot name away what the proxy itself added (X-Forwarded-*, Forwarded, Via, X-Request-Id, …).
//   - Trailers pass both ways, announced or not (section 6.5), without fields of framing, routing or identity.
//   - 1xx responses pass (section 15.2), not to HTTP/1.0 clients, at most 16 of them. Expect is answered here and never
//     sent on (section 10.1.1): the 100 goes out when the connection to the endpoint stands and its body is wanted.
//   - An upgrade is to websocket and nothing else, by GET without a body over HTTP/1.1 (RFC 6455, section 4.1). Any other
//     Upgrade field is left out and the request goes on as a plain one, as section 7.8 of RFC 9110 allows. CONNECT is
//     refused. A client that sends bytes before it has seen the 101 is cut off: they are never passed on.
//   - A request is sent twice only if its method is safe to repeat, its body is empty, and a kept-alive connection broke
//     under it before a byte of the answer came; or if not a byte of it had left. Idempotency-Key changes nothing.
//
// # HTTP/2
//
// Many exchanges share a connection, so the evidence is that of the stream: a reset or GOAWAY by the endpoint and a connection that died,
// or did not answer a ping, are UpstreamReset; what is no HTTP/2 is UpstreamGarbage. What has arrived goes on at once, and IdleTimeout
// runs during every read, since nobody can see whether it will have to wait.
//
// # Two ways
//
// Forward takes a request of net/http and net/http's Transport. Carry takes one of the fast lane (package http1) and connections of its own, and
// holds to the same law in one goroutine: what is written fails, falls late or stops at the place where it happens, so that the first cause is
// the one that is seen. Who waits for one side looks after the other every 50 ms. Only an answer that begins while its request's body is
// still coming takes a second goroutine (pump), for then both directions wait at once. Upgrades are Forward's alone.
//
// # Promised
//
// Bodies stream: what arrives goes on at once, in both directions, whatever the framing. A response that begins while the
// request body is still coming is passed on at once; the connections of both sides are then closed after it. When Forward
// has returned, nothing reads the request or writes the response any more. Errors of a response that has begun end in
// Outcome.Abort: the caller then panics with http.ErrAbortHandler, so that the client notices.
//
// # Not done
//
// No error page is written: while Outcome.Started is false the caller answers by Outcome.Reason. No choice of endpoint, no
// retries beyond the above, no websocket over HTTP/2. Unannounced trailers of a request are seen only if the request is the
// server's own: copies made by WithContext do not get them from net/http. A 304 loses Content-Length and Content-Type to
// an HTTP/1.1 client, and response fields that Connection names beside close pass on (both net/http).
package forward
