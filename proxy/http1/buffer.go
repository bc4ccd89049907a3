package http1

import "sync"

const (
	// smallBuffer holds a usual head and the bodies of most requests.
	smallBuffer = 16 << 10
	// LargeBuffer is the size of the pieces of large bodies, and of the largest head.
	LargeBuffer = 64 << 10
)

var (
	small = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	large = sync.Pool{New: func() any { return new([LargeBuffer]byte) }}
)

// Buffer takes an empty buffer from the pool.
func Buffer() []byte { return small.Get().(*[smallBuffer]byte)[:0] }

// Release gives a buffer back. One that has grown out of its size is the collector's.
func Release(b []byte) {
	switch cap(b) {
	case smallBuffer:
		small.Put((*[smallBuffer]byte)(b[:smallBuffer]))
	case LargeBuffer:
		large.Put((*[LargeBuffer]byte)(b[:LargeBuffer]))
	}
}

func largeBuffer() []byte { return large.Get().(*[LargeBuffer]byte)[:0] }
