// Package library answers one question: what do Go's libraries make of a proxy?
//
// Each contender is httputil.ReverseProxy with kept connections and one library in front of it, put together as the library's own
// documentation shows. Who has been told pools (facts.Pools) has one limiter for each of them. The source is the configuration: it is
// kept with every measurement.
package library
