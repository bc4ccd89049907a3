package http1

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// AppendStatus writes a status line. Without a phrase it is the usual one.
func AppendStatus(dst []byte, status int, phrase string) []byte {
	if phrase == "" {
		phrase = http.StatusText(status)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(append(dst, ' '), phrase...)
	return append(dst, "\r\n"...)
}

// AppendEnd writes the fields that every answer has, and the empty line. RFC 9110, section 6.6.1: who has a clock adds Date.
func (c *Call) AppendEnd(dst []byte, dated bool) []byte {
	if !dated {
		dst = append(append(append(dst, "Date: "...), date()...), "\r\n"...)
	}
	if c.Ends() {
		dst = append(dst, "Connection: close\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// stamp is the text of a second.
type stamp struct {
	second int64
	text   string
}

var lastStamp atomic.Pointer[stamp]

// date is the time as HTTP writes it. The text is made once a second.
func date() string {
	now := time.Now()
	if s := lastStamp.Load(); s != nil && s.second == now.Unix() {
		return s.text
	}
	s := &stamp{now.Unix(), now.UTC().Format(http.TimeFormat)}
	lastStamp.Store(s)
	return s.text
}
