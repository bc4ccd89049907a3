// Package facts answers one question: what is a contender told of the scenario?
//
// Everybody is told the backend's addresses, the routes with their classes, and how long clients wait. Pools are for those alone that
// were tuned by hand: no operator knows them.
package facts
