// Package config answers one question: what did the operator ask for, and is it sane?
//
// A configuration is one YAML 1.2 document. It is decoded by walking the node tree beside the structs of this package, so
// that every problem is found in one go and each is told with file:line:column, the path, what is wrong and what would be
// right. Decoder, JSON Schema (draft 2020-12), reference and the output of YAML read the same struct tags, which are
// the only home of key names, defaults, ranges and descriptions:
//
//	yaml       the key
//	doc        one sentence for people
//	default    the value when the key is absent; a list is separated by spaces
//	required   the key must be there; oneof: exactly one of the keys so marked must be there
//	min, max   range of a number, in the unit of the field; of a list or a map, the number of entries
//	format     the form of a text, of a list's items or of a map's values, by name (format.go); keys: of a map's keys
//	words      the words a text may be; beside a format, words it may be as well
//	excludes   the key that may not be given beside this one
//	single     a list of one may be written without the list
//	short      the struct may be written as this field's value alone
//	unique     no item twice
//	key        the field that tells a list's items apart, for Diff
//	file       the text names a file that must be readable, at most 1 MiB
//
// Units: durations are Go's ("1m30s"), rates are events per second, minute or hour ("500/s"), sizes are bytes in decimal
// or IEC binary units ("1MB", "64KiB"), shares are per cent ("2%"). A bare number is an error.
//
// Promised: what Load returns is complete (every default is filled in, every file that is referred to was readable and its
// path is absolute) and consistent (every reference resolves, every name is unique). Whatever the input, there is no panic, and
// work and memory are bounded: a file is at most 1 MiB, aliases may repeat at most another 1 MiB of it, at most 1,000 problems
// are told. A value that YAML reads as something else than it looks ("version: 1.10", "host: no") is an error.
//
// Not done: whether routes tie, certificates fit or ports are free is known only to those who build from the file; they
// tell it with Loaded.Problem, in the same form. There are no includes, no variables and no secrets in the file.
package config
