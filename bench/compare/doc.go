// Package compare answers one question: who keeps most of what an oracle would serve, in the same trouble, from the same clients?
//
// Every contender (package peer) stands in front of a backend of its own and meets the trial's users, every one at the same instant with
// the same work (package real). Rounds are interleaved: in each round every scenario is played to every contender before the next begins,
// and who comes first moves on by one. Some may run beside each other, each with its own backend; then they share the machine.
//
// What is measured is judged by the simulator's own measures against the same oracle. A run in which this machine was late is void: it is
// made again, a stated number of times, and counted. A contender that dies is noted, and what was measured until then is kept; it is
// in no median. The record is written after every step, so that whatever ends the command loses one step at most, and Settings.Before lets
// it go on where it was.
package compare
