package http1

import "errors"

// Error says what is wrong with a message.
type Error struct {
	// Status is what a client is told that sent it.
	Status int
	What   string
}

func (e *Error) Error() string { return e.What }

// What can be wrong. Values and not made where they are found, so that nonsense costs no memory.
var (
	ErrLine          = &Error{400, "a line does not end in CRLF, or has a bare CR or LF"}
	ErrRequestLine   = &Error{400, "the request line is not method, target and version, with single spaces"}
	ErrStatusLine    = &Error{502, "the status line is not version, three digits and a reason"}
	ErrVersion       = &Error{505, "the version is not HTTP/1.0 or HTTP/1.1"}
	ErrName          = &Error{400, "a field name is empty or not a token"}
	ErrValue         = &Error{400, "a field value has a control character"}
	ErrFolded        = &Error{400, "a field value is folded over several lines"}
	ErrHost          = &Error{400, "there is not exactly one Host field"}
	ErrLength        = &Error{400, "Content-Length is not one whole number"}
	ErrTwoLengths    = &Error{400, "Content-Length stands more than once, or together with Transfer-Encoding"}
	ErrCoding        = &Error{501, "Transfer-Encoding is something else than chunked"}
	ErrTwoCodings    = &Error{400, "Transfer-Encoding stands more than once, or in HTTP/1.0"}
	ErrTooManyFields = &Error{431, "there are too many fields"}
	ErrTooLarge      = &Error{431, "the header is too large"}
	ErrChunk         = &Error{400, "a chunk has no plain hexadecimal size, or does not end where it should"}
	ErrTrailer       = &Error{400, "the trailer section is too large or malformed"}
)

// ErrNoPipe is a pipe that cannot be used here. Nothing has been taken.
var ErrNoPipe = errors.New("the system does not move bytes between connections")

// ErrEarly is a connection that was to be used again and has something to read.
var ErrEarly = errors.New("the endpoint sent what nobody had asked for")
