// Package child answers one question: does the program that was started for a measurement run, and has it ended as it should?
//
// A child is ready when it says so, or when somebody answers at its address. It is ended by SIGTERM and the end of its input, and
// killed with all that it has started if it does not hear. How it has ended, and its last words, are in the error.
package child
