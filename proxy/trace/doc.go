// Package trace answers one question: which trace does a request belong to?
//
// It reads and writes traceparent (W3C Trace Context, level 1, section 3.2, and of level 2 the flag that says that a trace's id is random) and draws ids. What
// cannot be read is no context: the request begins a trace of its own. A version that we do not know is read as version 00 as far as that goes, and
// version ff is none (section 3.2.2.1). What goes out is version 00.
//
// Not done: tracestate is passed on as it came, without an entry of ours; whoever does not know the traceparent beside it drops it (section 3.3.1).
package trace
