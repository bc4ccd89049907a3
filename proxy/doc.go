// Package proxy answers one question: what happens to a request?
//
//	            who asks,       which rule     within its      can the backend
//	            until when?     covers it?     quota?          afford it now?
//	client ──▶ proxy/edge ──▶ proxy/route ──▶ shed/bucket ──▶ shed ─────────────┐ ticket
//	                                                                            ▼
//	client ◀── proxy/forward ◀──── breaker ◀──── proxy/upstream
//	           carry it over,      may it be      which endpoint?
//	           byte for byte       called?
//	                │
//	                ▼ outcome, told once, to all that learn from it
//	    shed (slot) · breaker · upstream · the route's Recorder
//
// walk (serve.go) is the way, one line a station. It is entered by two lanes, which differ in the wire alone: ServeHTTP (standard.go) by
// net/http, ServeFast (fast.go) by package http1. The gates see a request as what it asks for, whichever lane it came by. Every request is one Exchange. The first station that refuses
// ends the walk with a reason from the closed set of package reason; one place (refuse.go) turns a reason into status,
// Retry-After, Proxy-Status and body, or into the route's fallback. An outcome says whose fault it was; only what the backend
// did counts for breakers and shedding.
//
// # Promised
//
// A slot comes back exactly once on every path. Nothing a client sends can raise its class: the class is the route's, and the
// route is found on the canonical path, which is also the path that is forwarded. A client that hangs up or sends a broken body
// never counts against a backend. Apply builds the new configuration completely before it takes force; a route that
// stays keeps its learned state, its breaker, its buckets and its in-flight count, and requests under way finish under the
// configuration they began with.
//
// # Not done here
//
// Retries (the transport's own, of requests that were never sent, apart); rewriting of paths; caching.
package proxy
