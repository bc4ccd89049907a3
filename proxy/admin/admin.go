package admin

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"triage/proxy/console"
	"triage/proxy/incident"
	"triage/proxy/lever"
	"triage/shed"
)

// Settings join the admin API to the proxy. All functions must be set; they may be called by many goroutines at once.
type Settings struct {
	// Status gives everything `triage status` shows.
	Status func() Status
	// Metrics serves /metrics.
	Metrics http.Handler
	// Ready is false while starting or draining, with the reason.
	Ready func() (ready bool, why string)
	// Config gives the configuration in force.
	Config func() ConfigInForce
	// Reload loads the configuration again; who is written into the records. Each line of the error is listed as a
	// problem of its own.
	Reload func(ctx context.Context, who string) error
	// Entries gives what the control law did after the entry with this number, oldest first.
	Entries func(after uint64) []shed.Entry
	// Incidents and Levers are the books; nil: there is no such API. Both or none.
	Incidents *incident.Book
	Levers    *lever.Book
	// Console is the page; nil: there is none.
	Console *console.Console
	// Tokens are who may do what; none asks nobody, which needs a listener that only this machine reaches.
	Tokens []Token
	// Hosts are names, without port, by which the API may be called besides localhost and the address it listens on.
	Hosts []string
	// Logger is told of every reload and of every refused one; nil discards that.
	Logger *slog.Logger
}

// ConfigInForce is the configuration that the proxy follows now.
type ConfigInForce struct {
	Hash     string    `json:"hash"`
	LoadedAt time.Time `json:"loaded_at"`
	// File is the path it was read from.
	File string `json:"file"`
	// LastError is why the latest reload failed, "" if it did not.
	LastError string `json:"last_error,omitempty"`
	YAML      []byte `json:"-"`
}

// Admin is the admin API.
type Admin struct {
	settings  Settings
	hosts     map[string]bool
	tokens    []hashedToken
	origins   *http.CrossOriginProtection
	endpoints map[string]map[string]endpoint
	reloading sync.Mutex
}

// New checks the settings.
func New(s Settings) (*Admin, error) {
	if err := s.complete(); err != nil {
		return nil, err
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	tokens, err := hashed(s.Tokens)
	if err != nil {
		return nil, fmt.Errorf("checking tokens: %w", err)
	}
	hosts, err := allowed(s.Hosts)
	if err != nil {
		return nil, fmt.Errorf("checking host names: %w", err)
	}
	a := &Admin{settings: s, tokens: tokens, hosts: hosts, origins: http.NewCrossOriginProtection()}
	a.endpoints = a.api()
	return a, nil
}

func (s *Settings) complete() error {
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"Status", s.Status == nil}, {"Metrics", s.Metrics == nil}, {"Ready", s.Ready == nil},
		{"Config", s.Config == nil}, {"Reload", s.Reload == nil}, {"Entries", s.Entries == nil},
	} {
		if part.missing {
			return fmt.Errorf("admin settings: %s is nil; all functions must be set", part.name)
		}
	}
	return nil
}

// endpoint is what one method of one path does, and the least role that it wants.
type endpoint struct {
	role  Role
	serve http.HandlerFunc
}

func (a *Admin) api() map[string]map[string]endpoint {
	get := func(h http.HandlerFunc) map[string]endpoint {
		return map[string]endpoint{"GET": {Viewer, h}, "HEAD": {Viewer, h}}
	}
	all := map[string]map[string]endpoint{
		"/metrics":        get(a.settings.Metrics.ServeHTTP),
		"/api/v1/status":  get(a.status),
		"/api/v1/config":  get(a.config),
		"/api/v1/entries": get(a.entries),
		"/api/v1/reload":  {"POST": {Operator, a.reload}},
	}
	if a.settings.Incidents != nil && a.settings.Levers != nil {
		post := func(h http.HandlerFunc) map[string]endpoint { return map[string]endpoint{"POST": {Operator, h}} }
		maps.Copy(all, map[string]map[string]endpoint{
			"/api/v1/incidents":        get(a.incidents),
			"/api/v1/incident":         get(a.incident),
			"/api/v1/incident/update":  get(a.update),
			"/api/v1/incident/report":  get(a.report),
			"/api/v1/incident/open":    post(a.openIncident),
			"/api/v1/incident/note":    post(a.note),
			"/api/v1/incident/role":    post(a.role),
			"/api/v1/incident/resolve": post(a.resolve),
			"/api/v1/change":           post(a.change),
			"/api/v1/levers":           get(a.levers),
			"/api/v1/lever":            post(a.pull),
			"/api/v1/lever/undo":       post(a.undo),
		})
	}
	if a.settings.Console != nil {
		all["/api/v1/stream"] = map[string]endpoint{"GET": {Viewer, a.stream}}
	}
	return all
}

// Handler is the way of an admin request: health, Host, origin, the console's files, token, path, method, role.
func (a *Admin) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		harden(w.Header())
		if a.health(w, r) {
			return
		}
		if !a.hostAllowed(r) {
			problem(w, http.StatusMisdirectedRequest, "this host name is not served here; call it localhost, or list the name in the configuration")
			return
		}
		if err := a.origins.Check(r); err != nil {
			problem(w, http.StatusForbidden, err.Error())
			return
		}
		if a.settings.Console != nil && console.Page(w, r) {
			return
		}
		who, ok := a.caller(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="triage"`)
			problem(w, http.StatusUnauthorized, "want a valid token: Authorization: Bearer TOKEN")
			return
		}
		a.dispatch(w, r, who)
	})
}

func (a *Admin) dispatch(w http.ResponseWriter, r *http.Request, who Token) {
	methods, ok := a.endpoints[r.URL.Path]
	if !ok {
		problem(w, http.StatusNotFound, "no such path")
		return
	}
	e, ok := methods[r.Method]
	if !ok {
		methodNotAllowed(w, methods)
		return
	}
	if who.Role < e.role {
		a.settings.Logger.Warn("admin request denied", "who", who.Name, "role", who.Role.String(), "path", r.URL.Path)
		w.Header().Set("WWW-Authenticate", `Bearer realm="triage", error="insufficient_scope"`)
		problem(w, http.StatusForbidden, fmt.Sprintf("the role %s may not do this; want %s", who.Role, e.role))
		return
	}
	if !readBody(w, r) {
		return
	}
	e.serve(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
}
