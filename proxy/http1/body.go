package http1

// Body takes a message's body out of a connection's buffer, piece by piece.
type Body struct {
	conn *Conn
	// left is what is missing of the length, or of the chunk.
	left  int64
	state bodyState
	// Trailer is what came after the last chunk. Its texts are windows like those of the head.
	Trailer Fields
}

type bodyState uint8

const (
	whole bodyState = iota
	byLength
	untilClose
	chunkSize
	chunkData
	chunkEnd
	trailer
)

const (
	// longestSize is how many digits a chunk's size may have: more do not fit into what can be counted.
	longestSize = 15
	// maxTrailers is how many fields a trailer section may have.
	maxTrailers = 100
	// longestTrailer is how long it may be.
	longestTrailer = 4 << 10
)

// Reset begins a body.
func (b *Body) Reset(c *Conn, f Framing) {
	b.conn, b.left, b.state = c, f.Length, byLength
	b.Trailer.reset()
	switch {
	case f.Chunked:
		b.state = chunkSize
	case f.UntilClose:
		b.state = untilClose
	case f.Length == 0:
		b.state = whole
	}
}

// Whole reports whether the body has come to its end.
func (b *Body) Whole() bool { return b.state == whole }

// Left is what is missing of a body of known length; -1 where it is not known.
func (b *Body) Left() int64 {
	switch b.state {
	case whole, byLength:
		return b.left
	}
	return -1
}

// Passed tells that n bytes of a body of known length have gone another way than by Next. There was nothing buffered.
func (b *Body) Passed(n int) {
	if b.left -= int64(n); b.left == 0 {
		b.state = whole
	}
}

// EndsWithConnection reports whether the end of the connection is the end of the body.
func (b *Body) EndsWithConnection() bool { return b.state == untilClose }

// Next gives what has arrived of the body, at most a chunk. It is empty if the body is whole, or if more has to be read. It is good until the
// next Fill.
func (b *Body) Next() ([]byte, error) {
	for {
		switch b.state {
		case whole:
			return nil, nil
		case byLength, chunkData:
			piece := b.take(b.left)
			b.left -= int64(len(piece))
			switch {
			case b.left > 0:
			case b.state == byLength:
				b.state = whole
			default:
				b.state = chunkEnd
			}
			return piece, nil
		case untilClose:
			return b.take(int64(len(b.conn.Buffered()))), nil
		default:
			if done, err := b.frame(); err != nil || !done {
				return nil, err
			}
		}
	}
}

// take uses up to most bytes of the buffer.
func (b *Body) take(most int64) []byte {
	piece := b.conn.Buffered()
	if int64(len(piece)) > most {
		piece = piece[:most]
	}
	b.conn.Skip(len(piece))
	return piece
}

// frame reads what stands between the data of chunks; false if it has not arrived yet.
func (b *Body) frame() (done bool, err error) {
	buffered := b.conn.Buffered()
	switch b.state {
	case chunkSize:
		size, n, err := chunkLine(buffered)
		if err != nil || n == 0 {
			return false, err
		}
		b.conn.Skip(n)
		if b.left, b.state = size, chunkData; size == 0 {
			b.state = trailer
		}
		return true, nil
	case chunkEnd:
		return b.crlf(buffered)
	}
	rest, ok, err := b.Trailer.block(buffered, maxTrailers)
	if err != nil {
		return false, ErrTrailer
	}
	if !ok {
		if len(buffered) >= longestTrailer {
			return false, ErrTrailer
		}
		return false, nil
	}
	b.conn.Skip(len(buffered) - len(rest))
	b.state = whole
	return true, nil
}

// crlf reads the end of a chunk.
func (b *Body) crlf(buffered []byte) (done bool, err error) {
	if len(buffered) > 0 && buffered[0] != '\r' || len(buffered) > 1 && buffered[1] != '\n' {
		return false, ErrChunk
	}
	if len(buffered) < 2 {
		return false, nil
	}
	b.conn.Skip(2)
	b.state = chunkSize
	return true, nil
}

// chunkLine reads the size of a chunk, and says how many bytes it takes: 0 if it has not arrived yet.
func chunkLine(b []byte) (size int64, n int, err error) {
	for n < len(b) && n <= longestSize {
		digit := hexDigit(b[n])
		if digit < 0 {
			break
		}
		size = size<<4 | int64(digit)
		n++
	}
	switch {
	case n > longestSize || n == 0 && len(b) > 0:
		return 0, 0, ErrChunk
	case n == len(b):
		return 0, 0, nil
	case b[n] != '\r' || n+1 < len(b) && b[n+1] != '\n':
		return 0, 0, ErrChunk
	case n+1 == len(b):
		return 0, 0, nil
	}
	return size, n + 2, nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// AppendChunk writes a chunk. An empty one would be the last, so it writes nothing.
func AppendChunk(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = AppendChunkHead(dst, len(data))
	dst = append(dst, data...)
	return append(dst, '\r', '\n')
}

// AppendChunkHead writes the size of a chunk, whose data and CRLF are to follow.
func AppendChunkHead(dst []byte, n int) []byte {
	const digits = "0123456789abcdef"
	shift := 0
	for n>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, digits[n>>shift&15])
	}
	return append(dst, '\r', '\n')
}
