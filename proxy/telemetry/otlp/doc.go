// Package otlp answers one question: how do traces come to the collector?
//
// An exchange that is traced is copied, when it has ended, into a queue of fixed size; whatever finds the queue full is dropped and counted. One goroutine
// takes what has gathered once a second, or when the queue is half full, makes spans of it (span.go) and posts them as OTLP (HTTP, protobuf). Nobody on the way
// of a request waits for any of this.
//
// # Spans
//
//	SERVER POST /checkout       the whole exchange
//	  bucket                    within its quota? only if the route has one; no length
//	  admission                 until there was a slot; from the exchange's beginning
//	  breaker                   may it be called, and which endpoint? no length
//	  CLIENT forward            the call to the endpoint, whose own span is a child of this one
//	    connect                 only if a connection had to be made
//	    first byte              until the response header
//	    body                    until the response's end
//
// No clock is read for them: they are what the record of the exchange says (DECISIONS.md 36). Only gates that were reached are there, and the one that said no has
// the reason's word. Attributes are those of OpenTelemetry's semantic conventions for HTTP, and triage.* for what these do not know.
//
// # Delivery
//
// A batch is tried until the timeout is over: again after half a second and ever longer on 429, 502, 503, 504, a connection that fails, and whatever Retry-After
// says. Then it is dropped and counted. At the end of the process what is queued has the timeout, at most five seconds. Redirects are not followed.
//
// # Not done
//
// gRPC, JSON, compression; metrics and logs by OTLP; what a collector says it has rejected of a batch that it took. The query of a request, its other
// header fields and its body are in no span.
package otlp
