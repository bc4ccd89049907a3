//go:build go1.27

package edge

import "net/http"

// countsHeaders says that net/http refuses too many header fields while it reads them.
const countsHeaders = true

// harden sets what Go 1.27 brought. The client's own idea of priority (RFC 9218) must not order our work.
func harden(srv *http.Server) {
	srv.MaxHeaderValueCount = maxFields
	srv.DisableClientPriority = true
}
