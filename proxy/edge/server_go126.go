//go:build !go1.27

package edge

import "net/http"

// countsHeaders says that the handler has to count header fields itself, after they were read.
const countsHeaders = false

func harden(*http.Server) {}
