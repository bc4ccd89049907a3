package edge

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

// second is a header of version 2 as the library writes it, with so many bytes of extras.
func second(t testing.TB, from, to net.Addr, extras int) string {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(2, from, to)
	if extras > 0 {
		if err := h.SetTLVs([]proxyproto.TLV{{Type: 0xEA, Value: bytes.Repeat([]byte("x"), extras)}}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// raw is a header of version 2 made by hand.
func raw(command, family byte, length int, body string) string {
	head := append([]byte(proxyproto.SIGV2), command, family)
	return string(binary.BigEndian.AppendUint16(head, uint16(length))) + body
}

func TestIntroduction(t *testing.T) {
	v4, v6 := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}, &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 4711}
	const itself, refused = "itself", "refused"
	tests := []struct{ name, head, want string }{
		{"version 1", "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", "192.0.2.7:4711"},
		{"version 1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "[2001:db8::7]:4711"},
		{"version 1, unknown", "PROXY UNKNOWN\r\n", itself},
		{"version 1, unknown with addresses", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", itself},
		{"version 2", second(t, v4, v4, 0), "192.0.2.7:4711"},
		{"version 2, IPv6", second(t, v6, v6, 0), "[2001:db8::7]:4711"},
		{"version 2, with extras", second(t, v4, v4, 3000), "192.0.2.7:4711"},
		{"version 2, local", raw(0x20, 0, 0, ""), itself},
		{"version 2, local with what is to be skipped", raw(0x20, 0, 5, "12345"), itself},

		{"a request", "GET /checkout HTTP/1.1\r\n", refused},
		{"a handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdef", refused},
		{"nothing but the beginning", "PROXY TCP4 192.0.2.7", refused},
		{"no address", "PROXY TCP4\r\n           ", refused},
		{"a line that does not end", "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 " + strings.Repeat("x", 100) + "\r\n", refused},
		{"LF alone", "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\n", refused},
		{"a name", "PROXY TCP4 localhost 198.51.100.1 4711 443\r\n", refused},
		{"a port too high", "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n", refused},
		{"a lower-case signature", "proxy TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", refused},
		{"version 2, shorter than its family", raw(0x21, 0x11, 4, "1234"), refused},
		{"version 2, by UDP", raw(0x21, 0x12, 12, "123412341122"), refused},
		{"version 2, of no family", raw(0x21, 0, 0, ""), refused},
		{"version 2, version 3", raw(0x31, 0x11, 12, "123412341122"), refused},
		{"version 2, too much of it", second(t, v4, v4, mostIntroduction), refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const behind = "PROXY TCP4 203.0.113.9 "
			stream := strings.NewReader(tt.head + behind)
			head, err := introduction(stream)
			var source *net.TCPAddr
			if err == nil {
				source, err = sourceOf(head)
			}
			got := itself
			switch {
			case err != nil:
				got = refused
			case source != nil:
				got = source.String()
			}
			if got != tt.want {
				t.Fatalf("%q: %s (%v), want %s", tt.head, got, err, tt.want)
			}
			if rest, _ := io.ReadAll(stream); err == nil && string(rest) != behind {
				t.Errorf("%q: behind it %q is left, want all of %q", tt.head, rest, behind)
			}
		})
	}
}

func FuzzIntroduction(f *testing.F) {
	for _, seed := range []string{"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\nGET", "PROXY UNKNOWN\r\n", raw(0x21, 0x11, 12, "123412341122GET"), raw(0x20, 0, 3, "abc"), raw(0x21, 0x21, 36, "")} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		stream := bytes.NewReader(in)
		head, err := introduction(stream)
		if err != nil {
			return
		}
		if !bytes.Equal(head, in[:len(head)]) || stream.Len() != len(in)-len(head) {
			t.Fatalf("%q: took %q, and left %d bytes", in, head, stream.Len())
		}
		if source, err := sourceOf(head); err == nil && source != nil && !source.AddrPort().IsValid() {
			t.Fatalf("%q: the client is %v", in, source)
		}
	})
}
