// Package queue answers one question: who waits, in what order, and who has to make room?
//
// One short waiting room stands in front of a limit. Its order is total: class first (0 is the most important), then
// stage (so that those who have come further can finish), then cohort (so that the same users stay together), then arrival. The best leaves first; when the room is full a better
// arrival pushes the worst out, and an arrival that is no better than the worst is not let in. Deadlines belong to the
// caller: it removes whoever has waited long enough.
//
// The room is a slice sorted worst first, so that the best leaves in constant time; an arrival costs a binary search
// and one move of pointers, which for the rooms allowed here (hundreds) is under a microsecond. Longer rooms would want
// a tree, but a longer room is a worse product: who waits longer than the deadline is refused anyway.
//
// The package is pure: no clock, no lock.
package queue
