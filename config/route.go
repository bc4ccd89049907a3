package config

// Route is one rule: which requests, to which upstream, how important, within which limits.
type Route struct {
	Name           string      `yaml:"name" required:"true" format:"name" doc:"The route's name in logs, metrics and headers."`
	Match          Match       `yaml:"match" doc:"Which requests it covers; all conditions must hold."`
	Upstream       string      `yaml:"upstream" required:"true" format:"name" doc:"The upstream that answers."`
	Priority       string      `yaml:"priority" format:"name" doc:"Its class, one of priorities; normal if there is such a class, else required."`
	Shares         []string    `yaml:"shares" single:"true" unique:"true" format:"name" doc:"Names of bottlenecks that it has in common with other routes of its upstream; none if it shares nothing. Without it that is found out."`
	Session        *Session    `yaml:"session" doc:"What tells users apart, so that one user's requests share one fate."`
	RateLimit      []RateLimit `yaml:"rate_limit" single:"true" doc:"Quotas: a mapping or a list; all must allow the request."`
	Degrade        *Degrade    `yaml:"degrade" doc:"What to try before a request is refused."`
	Breaker        Breaker     `yaml:"breaker" doc:"When calling the upstream for this route makes no sense for a while."`
	Timeout        Duration    `yaml:"timeout" default:"0s" min:"1ms" max:"24h" doc:"Overrides the upstream's timeout; 0s is the upstream's."`
	ErrorObjective Share       `yaml:"error_objective" default:"2%" min:"0.01%" max:"100%" doc:"Share of backend errors above which lower classes go first, when this route is of the most important class."`
	BodyLimit      Size        `yaml:"body_limit" default:"0B" doc:"Overrides the listener's body limit; 0B is the listener's."`
	ResponseLimit  Size        `yaml:"response_limit" default:"0B" doc:"Overrides the listener's response limit; 0B is the listener's."`
}

// Match says which requests a route covers.
type Match struct {
	Path    string            `yaml:"path" default:"/*" format:"pattern" doc:"/x is exact, /x/* is everything below, /* is everything."`
	Methods []string          `yaml:"methods" unique:"true" format:"method" doc:"Methods; none given is all of them."`
	Host    string            `yaml:"host" format:"host" doc:"A host name without port, or *.example.com."`
	Headers map[string]string `yaml:"headers" keys:"header" format:"value" doc:"Header fields and their exact values; * is any value."`
}

// Session says what tells users apart.
type Session struct {
	Cookie string `yaml:"cookie" oneof:"true" format:"token" doc:"A cookie."`
	Header string `yaml:"header" oneof:"true" format:"header" doc:"A request header field."`
	Stage  int    `yaml:"stage" default:"0" min:"0" max:"100" doc:"How far a session has come that this route has served: the further, the sooner it is let in."`
}

// RateLimit is one quota: a token bucket.
type RateLimit struct {
	Rate  Rate   `yaml:"rate" required:"true" min:"1/h" doc:"How fast tokens come back."`
	Burst int    `yaml:"burst" min:"1" max:"1000000000" doc:"How many tokens the bucket holds; one second of rate, at least 1, if not given."`
	Per   string `yaml:"per" default:"route" words:"route client_ip client_cert" format:"per" doc:"What has a bucket of its own: route, client_ip, client_cert, header:NAME or cookie:NAME."`
}

// Degrade says what to try before a request is refused.
type Degrade struct {
	Hint     bool      `yaml:"hint" default:"false" doc:"Ask the backend to skip optional work (X-Triage-Degrade)."`
	Fallback *Fallback `yaml:"fallback" doc:"Answer this instead of refusing."`
}

// Fallback is an answer made here. After loading, Body holds the answer's body wherever it came from.
type Fallback struct {
	Status      int               `yaml:"status" default:"200" min:"200" max:"599" doc:"The status code."`
	ContentType string            `yaml:"content_type" default:"application/json" format:"media" doc:"The Content-Type."`
	Headers     map[string]string `yaml:"headers" keys:"header" format:"value" doc:"More header fields."`
	Body        string            `yaml:"body" excludes:"body_file" doc:"The body."`
	BodyFile    string            `yaml:"body_file" file:"true" doc:"File with the body, at most 1 MiB, read when the configuration is loaded."`
}

// Breaker says when a route's breaker opens and how it closes again.
type Breaker struct {
	Disabled     bool     `yaml:"disabled" default:"false" doc:"Never open."`
	FailureShare Share    `yaml:"failure_share" default:"100%" min:"10%" max:"100%" doc:"Opens when the share of backend failures is evidently about this."`
	OpenFor      Duration `yaml:"open_for" default:"1s" min:"100ms" max:"30s" doc:"The first open period; it doubles with every failed trial, up to 2s or this."`
	Probes       int      `yaml:"probes" default:"3" min:"1" max:"100" doc:"Concurrent probes while half-open."`
}
