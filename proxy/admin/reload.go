package admin

import (
	"net/http"
	"strings"
)

// reload lets one reload run at a time: two that overlap would each report on a configuration the other replaced.
func (a *Admin) reload(w http.ResponseWriter, r *http.Request) {
	who := callerOf(r.Context())
	log := a.settings.Logger.With("who", who.Name, "role", who.Role.String(), "from", r.RemoteAddr)
	if !a.reloading.TryLock() {
		log.Warn("reload refused", "error", "another one is running")
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusConflict, "another reload is running")
		return
	}
	defer a.reloading.Unlock()
	if err := a.settings.Reload(r.Context(), who.Name); err != nil {
		log.Error("reload failed", "error", err)
		const status = http.StatusUnprocessableEntity
		refuse(w, Problem{
			Title: http.StatusText(status), Status: status, Problems: strings.Split(err.Error(), "\n"),
			Detail: "the configuration was not loaded; the one in force stays",
		})
		return
	}
	c := a.settings.Config()
	log.Info("configuration reloaded", "hash", c.Hash)
	answer(w, c)
}
