package config

import (
	"maps"
	"slices"
)

// File is the whole configuration.
type File struct {
	Name           string              `yaml:"name" default:"triage" format:"pseudonym" doc:"This proxy's pseudonym in Via and Proxy-Status."`
	Listen         []Listener          `yaml:"listen" required:"true" min:"1" single:"true" key:"address" doc:"Where requests come in: an address, a mapping, or a list of either."`
	Admin          Admin               `yaml:"admin" doc:"The admin API: an address or a mapping."`
	Priorities     []string            `yaml:"priorities" default:"critical important normal sheddable" min:"1" max:"16" unique:"true" format:"name" doc:"The classes, most important first."`
	Mode           string              `yaml:"mode" default:"enforce" words:"enforce observe" doc:"enforce refuses what has to be refused; observe decides and reports, and refuses nothing."`
	Upstreams      map[string]Upstream `yaml:"upstreams" required:"true" min:"1" keys:"name" doc:"The backends, by name."`
	Routes         []Route             `yaml:"routes" required:"true" min:"1" key:"name" doc:"The rules; of those that cover a request the most specific one counts."`
	PathPolicy     string              `yaml:"path_policy" default:"normalize" words:"normalize reject" doc:"Paths with dot segments, doubled slashes or needless escapes: normalize brings them to one spelling before a route is looked for, reject answers 400."`
	HealthChecks   []string            `yaml:"health_checks" default:"/healthz /livez /readyz" unique:"true" format:"path" doc:"Exact paths that pass every gate."`
	ServerTiming   []string            `yaml:"server_timing" unique:"true" format:"cidr" doc:"Networks or addresses of clients that are told the time in each stage (Server-Timing) when they send X-Triage-Timing; without it, nobody is."`
	SessionKeyFile string              `yaml:"session_key_file" file:"true" doc:"File with the secret, at least 16 bytes, that sorts sessions into cohorts; the same in a whole fleet. Without it each process draws its own."`
	AccessLog      AccessLog           `yaml:"access_log" doc:"The access log."`
	Tracing        *Tracing            `yaml:"tracing" doc:"Traces, sent to an OpenTelemetry collector; without it there are none."`
	Incident       Incident            `yaml:"incident" doc:"The record of incidents and of what is set by hand, and who is told."`
	Handover       string              `yaml:"handover" format:"written" doc:"Path of a unix socket where a new process takes the listeners over, and this one drains; without it no process can."`
	Drain          Drain               `yaml:"drain" doc:"How the proxy leaves when it is told to stop."`

	// upstreams holds the names of Upstreams in the order of the file.
	upstreams []string
}

// UpstreamNames gives the names of the upstreams in the order of the file.
func (f *File) UpstreamNames() []string {
	if len(f.upstreams) != len(f.Upstreams) {
		return slices.Sorted(maps.Keys(f.Upstreams))
	}
	return slices.Clone(f.upstreams)
}

// Listener is one place where requests come in.
type Listener struct {
	Address        string   `yaml:"address" required:"true" short:"true" format:"address" doc:"host:port; without a host, every interface."`
	TLS            *TLS     `yaml:"tls" doc:"Serve HTTPS with this certificate; without it, plain HTTP."`
	H2C            bool     `yaml:"h2c" default:"false" doc:"Without TLS speak HTTP/2 as well, to clients that begin with it (prior knowledge)."`
	TrustedProxies []string `yaml:"trusted_proxies" unique:"true" format:"cidr" doc:"Networks or addresses whose X-Forwarded-* fields are believed."`
	ProxyProtocol  []string `yaml:"proxy_protocol" unique:"true" format:"cidr" doc:"Networks or addresses of balancers that begin each connection with a PROXY header, version 1 or 2; from them one is required, from others refused."`
	Lane           string   `yaml:"lane" default:"auto" words:"auto fast standard" doc:"fast is Triage's own HTTP/1.1 for plain listeners, on Linux, standard is net/http; auto is what is held for best, today fast."`
	Limits         Limits   `yaml:"limits" doc:"What one listener accepts."`
	Timeouts       Timeouts `yaml:"timeouts" doc:"How long a client may stand still."`
}

// TLS says how a listener speaks TLS.
type TLS struct {
	CertFile          string     `yaml:"cert_file" required:"true" file:"true" doc:"The certificate chain, PEM."`
	KeyFile           string     `yaml:"key_file" required:"true" file:"true" doc:"The private key, PEM."`
	Certificates      []CertPair `yaml:"certificates" single:"true" doc:"More certificates; a client gets the first that fits the name it asks for (SNI), else the one above."`
	MinVersion        string     `yaml:"min_version" default:"tls1.2" words:"tls1.2 tls1.3" doc:"The oldest version that is spoken."`
	ClientCaFile      string     `yaml:"client_ca_file" file:"true" doc:"Authorities, PEM, that clients' certificates have to be signed by; without it none is asked for."`
	ClientCertificate string     `yaml:"client_certificate" words:"required optional" doc:"Whether a client without a certificate is let in; with client_ca_file required if not given."`
}

// CertPair names a certificate and its key, both PEM.
type CertPair struct {
	CertFile string `yaml:"cert_file" required:"true" file:"true" doc:"The certificate chain, PEM."`
	KeyFile  string `yaml:"key_file" required:"true" file:"true" doc:"The private key, PEM."`
}

// Limits bounds what one listener accepts.
type Limits struct {
	Connections          int  `yaml:"connections" default:"10000" min:"1" max:"1000000" doc:"Open client connections; above it idle ones are closed, and accepting waits."`
	ConnectionsPerClient int  `yaml:"connections_per_client" default:"0" min:"0" max:"1000000" doc:"Open connections of one address, of IPv6 of one /64; more are refused. 0 is a quarter of connections, but at least 100. Trusted proxies may have any number."`
	Header               Size `yaml:"header" default:"64KiB" min:"8KiB" max:"1MiB" doc:"The whole request header."`
	Body                 Size `yaml:"body" default:"0B" doc:"A request body; 0B is no limit."`
	Response             Size `yaml:"response" default:"0B" doc:"The body of a response; 0B is no limit."`
	BodyRate             Size `yaml:"body_rate" default:"240B" doc:"What a client has to send of a body in a second, on average while it is waited for, once timeouts.read is used up; 0B is anything. Not for gRPC."`
}

// Timeouts bounds how long a client may stand still.
type Timeouts struct {
	ReadHeader Duration `yaml:"read_header" default:"10s" min:"1ms" max:"24h" doc:"Until the request header is complete; of a new connection from its first moment."`
	Idle       Duration `yaml:"idle" default:"90s" min:"1ms" max:"24h" doc:"A kept connection without a request."`
	Read       Duration `yaml:"read" default:"60s" min:"1ms" max:"24h" doc:"No byte of the request body for this long."`
	Write      Duration `yaml:"write" default:"60s" min:"1ms" max:"24h" doc:"The client takes no byte of the response for this long."`
}

// Admin is where the admin API is served.
type Admin struct {
	Address    string   `yaml:"address" default:"127.0.0.1:9901" short:"true" format:"address" doc:"host:port; outside loopback only with tokens_file."`
	TokensFile string   `yaml:"tokens_file" file:"true" doc:"File with the tokens that may use the admin API."`
	Hosts      []string `yaml:"hosts" unique:"true" format:"host" doc:"Host names, without port, by which the API may be called besides its address and localhost."`
}

// Upstream is one backend.
type Upstream struct {
	Endpoints       []Endpoint   `yaml:"endpoints" required:"true" min:"1" key:"url" doc:"Where the backend answers: a list of URLs or mappings."`
	Timeout         Duration     `yaml:"timeout" default:"15s" min:"1ms" max:"24h" doc:"Until the response header is complete."`
	ConnectTimeout  Duration     `yaml:"connect_timeout" default:"1s" min:"1ms" max:"24h" doc:"Until a connection stands, TLS included."`
	IdleTimeout     Duration     `yaml:"idle_timeout" default:"60s" min:"1ms" max:"24h" doc:"The response body stands still for this long."`
	Queue           Size         `yaml:"queue" default:"64MiB" min:"1MiB" max:"16GiB" doc:"Memory of the requests that wait for a slot; the lower a class, the sooner it is full for it."`
	IdleConnections int          `yaml:"idle_connections" default:"512" min:"1" max:"65536" doc:"Idle connections kept for each endpoint."`
	TLS             *UpstreamTLS `yaml:"tls" doc:"How https:// endpoints are spoken to; without it they are verified against the system's roots."`
	Mode            string       `yaml:"mode" words:"enforce observe" doc:"Overrides the file's mode for this upstream; without it, the file's."`
}

// UpstreamTLS says whom to trust among an upstream's endpoints, and who Triage is to them.
type UpstreamTLS struct {
	CaFile     string `yaml:"ca_file" file:"true" doc:"Authorities, PEM, that endpoints' certificates have to be signed by, instead of the system's."`
	ServerName string `yaml:"server_name" format:"server" doc:"The name that is asked for (SNI), and that has to be on the certificate, instead of the URL's host."`
	CertFile   string `yaml:"cert_file" file:"true" doc:"The certificate chain, PEM, that is shown to endpoints which ask for one."`
	KeyFile    string `yaml:"key_file" file:"true" doc:"Its private key, PEM."`
}

// Endpoint is one place where an upstream answers.
type Endpoint struct {
	URL      string `yaml:"url" required:"true" short:"true" format:"url" doc:"http:// or https://, host and port; no path."`
	Zone     string `yaml:"zone" format:"label" doc:"The failure domain it is in."`
	Weight   int    `yaml:"weight" default:"1" min:"1" max:"1000" doc:"Its share of the traffic against the others' weights."`
	Version  string `yaml:"version" format:"label" doc:"The release it runs."`
	Protocol string `yaml:"protocol" default:"http1" words:"http1 h2" doc:"http1, or h2 for HTTP/2: with http:// it is spoken without TLS (h2c), with https:// the endpoint has to agree to it."`
}

// AccessLog says where the access log goes and how much of it.
type AccessLog struct {
	To       string `yaml:"to" default:"stdout" words:"stdout stderr off" format:"target" doc:"stdout, stderr, off, or the path of a file."`
	Refusals Rate   `yaml:"refusals" default:"10/s" doc:"At most this many refusals are logged; the rest are only counted."`
	Buffer   int    `yaml:"buffer" default:"8192" min:"1" max:"1048576" doc:"Lines that wait for a slow writer before lines are dropped."`
}

// Tracing says where traces go, and of which requests they are made.
type Tracing struct {
	Endpoint    string            `yaml:"endpoint" short:"true" format:"hook" doc:"The collector, for OTLP over HTTP; /v1/traces is added to one without a path. Without it OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT says, else it is http://localhost:4318."`
	Sample      Share             `yaml:"sample" default:"1%" doc:"Share of the requests that are traced, where the client has no trace that is recorded."`
	Asked       Rate              `yaml:"asked" default:"10/s" doc:"At most this many requests are traced because their client's trace is recorded (traceparent); above it sample decides."`
	Service     string            `yaml:"service" format:"label" doc:"service.name; without it OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES says, else name."`
	Headers     map[string]string `yaml:"headers" keys:"header" format:"value" doc:"Header fields for the collector; no secrets."`
	HeadersFile string            `yaml:"headers_file" file:"true" doc:"File with header fields for the collector, NAME: VALUE in each line; for secrets."`
	TLS         *UpstreamTLS      `yaml:"tls" doc:"How an https:// collector is spoken to; without it it is verified against the system's roots."`
	Timeout     Duration          `yaml:"timeout" default:"10s" min:"100ms" max:"1m" doc:"How long a batch is tried."`
	Queue       int               `yaml:"queue" default:"2048" min:"1" max:"65536" doc:"Traced requests that wait for a slow collector before they are dropped."`
}

// Incident says what is kept of incidents, and who is told.
type Incident struct {
	File         string   `yaml:"file" format:"written" doc:"File of incidents, JSON lines; without it they end with the process."`
	AuditFile    string   `yaml:"audit_file" format:"written" doc:"File of what people have changed, with before and after, JSON lines, never rewritten; without it levers end with the process."`
	ResolveAfter Duration `yaml:"resolve_after" default:"10m" min:"10s" max:"24h" doc:"How long all has to be at its baseline, with the usual traffic, until an incident is resolved."`
	Retain       Duration `yaml:"retain" default:"2160h" min:"1h" max:"87600h" doc:"How long incidents are kept after their end."`
	DeadLetters  string   `yaml:"dead_letters" format:"written" doc:"File of what no receiver took, JSON lines; without it that is only counted."`
	Tell         []Hook   `yaml:"tell" doc:"Who is told of incidents."`
}

// Hook is one receiver of word about incidents.
type Hook struct {
	Kind        string `yaml:"kind" required:"true" words:"generic slack alertmanager grafana" doc:"What it understands."`
	Address     string `yaml:"address" oneof:"true" format:"hook" doc:"Where to post; of alertmanager and grafana without /api."`
	AddressFile string `yaml:"address_file" oneof:"true" file:"true" doc:"File with the address, if it is a secret, as Slack's is."`
	SecretFile  string `yaml:"secret_file" file:"true" doc:"File with a secret: of generic the key of the signature, of alertmanager and grafana the bearer token."`
}

// Drain says how the proxy leaves.
type Drain struct {
	Delay   Duration `yaml:"delay" default:"0s" max:"1h" doc:"Keep serving for this long after readiness has failed."`
	Timeout Duration `yaml:"timeout" default:"30s" min:"1ms" max:"1h" doc:"Then wait at most this long for what is in flight."`
}
