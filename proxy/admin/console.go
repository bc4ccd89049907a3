package admin

import (
	"context"
	"net/http"

	"triage/proxy/console"
)

// stream is what the console's page lives on. It ends when the token does.
func (a *Admin) stream(w http.ResponseWriter, r *http.Request) {
	who := callerOf(r.Context())
	if !who.Expires.IsZero() {
		ctx, stop := context.WithDeadline(r.Context(), who.Expires)
		defer stop()
		r = r.WithContext(ctx)
	}
	if !a.settings.Console.Stream(w, r, console.Who{Name: who.Name, Role: who.Role.String()}, len(a.tokens) == 0) {
		w.Header().Set("Retry-After", "10")
		problem(w, http.StatusServiceUnavailable, "too many look at the console already, or the process is about to end")
	}
}
