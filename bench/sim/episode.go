package sim

// spec is an episode as it stands in the zoo's YAML: a scenario with ranges.
type spec struct {
	Doc string `yaml:"doc"`
	// Base is another entry that this one changes: tables are merged, lists and values replaced.
	Base string `yaml:"base"`
	// Backend marks an entry that is only there to be a base.
	Backend bool `yaml:"backend"`
	// Verdict says where the failure is: package isolate reads it.
	Verdict   string                 `yaml:"verdict"`
	Classes   int                    `yaml:"classes"`
	Resources map[string]resSpec     `yaml:"resources"`
	Routes    map[string]routeSpec   `yaml:"routes"`
	Journeys  map[string][]stageSpec `yaml:"journeys"`
	Clients   clientSpec             `yaml:"clients"`
	Sidecars  sidecarSpec            `yaml:"sidecars"`
	Endpoints int                    `yaml:"endpoints"`
	Users     int                    `yaml:"users"`
	Abandon   bool                   `yaml:"abandon"`
	Innocent  []string               `yaml:"innocent"`
	// Arrivals is poisson (default) or constant.
	Arrivals arrivalWord `yaml:"arrivals"`
	// Rates are those of a calm; a phase multiplies them.
	Rates  map[string]rate `yaml:"rates"`
	Phases []phaseSpec     `yaml:"phases"`
}

type resSpec struct {
	Sharing     sharingWord `yaml:"sharing"` // slots (default) or processor
	Size        factor      `yaml:"size"`
	Contention  factor      `yaml:"contention"`
	Bound       factor      `yaml:"bound"`
	Patience    span        `yaml:"patience"`
	Pause       pauseSpec   `yaml:"pause"`
	PerEndpoint bool        `yaml:"per_endpoint"`
}

type pauseSpec struct {
	Every span `yaml:"every"`
	For   span `yaml:"for"`
}

type routeSpec struct {
	Class  classWord `yaml:"class"`
	Unsafe bool      `yaml:"unsafe"`
	// What is sent over a socket.
	Method   string            `yaml:"method"`
	Path     string            `yaml:"path"`
	Header   map[string]string `yaml:"header"`
	Body     string            `yaml:"body"`
	stepSpec `yaml:",inline"`
	// Steps are for routes with more than one.
	Steps []stepSpec `yaml:"steps"`
}

type stepSpec struct {
	On    string `yaml:"on"`
	Takes span   `yaml:"takes"`
	// One of these names the distribution; without any it is lognormal with a sigma of 0.5.
	Sigma factor    `yaml:"sigma"`
	Alpha factor    `yaml:"alpha"`
	Law   lawWord   `yaml:"law"` // constant or exponential
	Cache cacheSpec `yaml:"cache"`
	Held  bool      `yaml:"held"`
	After bool      `yaml:"after"`
}

type cacheSpec struct {
	Hit     share  `yaml:"hit"`
	Entries factor `yaml:"entries"`
}

type stageSpec struct {
	Route string `yaml:"route"`
	Think span   `yaml:"think"`
	Leave share  `yaml:"leave"`
}

type clientSpec struct {
	Deadline      span      `yaml:"deadline"`
	Retry         retrySpec `yaml:"retry"`
	TellsDeadline bool      `yaml:"tells_deadline"`
	MarksRetries  bool      `yaml:"marks_retries"`
	// HTTP is 1 (default) or 2; KeepAlive false opens a connection for each request.
	HTTP      httpWord `yaml:"http"`
	KeepAlive *bool    `yaml:"keep_alive"`
}

type retrySpec struct {
	Times   int         `yaml:"times"`
	On      []retryWord `yaml:"on"` // refusals, failures, timeouts
	Backoff span        `yaml:"backoff"`
	Honour  bool        `yaml:"honour_retry_after"`
}

type sidecarSpec struct {
	Count   int       `yaml:"count"`
	Stall   pauseSpec `yaml:"stall"`
	Timeout span      `yaml:"timeout"`
}

type phaseSpec struct {
	Name string `yaml:"name"`
	For  span   `yaml:"for"`
	Is   Label  `yaml:"is"`
	// Verdict is the phase's own, if it is another than the episode's.
	Verdict string `yaml:"verdict"`
	// Times multiplies all rates, Boost some, Rates replaces some.
	Times factor            `yaml:"times"`
	Boost map[string]factor `yaml:"boost"`
	Rates map[string]rate   `yaml:"rates"`
	Burst burstSpec         `yaml:"burst"`
	// One of these gives the rates a course: evenly from one factor to another, factors one after the other, or counts that were recorded.
	Ramp       rampSpec          `yaml:"ramp"`
	Steps      []factor          `yaml:"steps"`
	Recorded   recordedSpec      `yaml:"recorded"`
	Slow       map[string]factor `yaml:"slow"`
	SlowRoutes map[string]factor `yaml:"slow_routes"`
	Size       map[string]factor `yaml:"size"`
	Bound      map[string]factor `yaml:"bound"`
	Fail       map[string]share  `yaml:"fail"`
	Hang       map[string]share  `yaml:"hang"`
	HangFor    span              `yaml:"hang_for"`
	Reset      map[string]share  `yaml:"reset"`
	Half       map[string]share  `yaml:"half"`
	Refuse     bool              `yaml:"refuse"`
	Bad        badSpec           `yaml:"bad_endpoint"`
	Cold       []string          `yaml:"cold"`
	Restart    bool              `yaml:"restart"`
	Jump       span              `yaml:"jump"`
}

type burstSpec struct {
	Every span     `yaml:"every"`
	For   span     `yaml:"for"`
	Times factor   `yaml:"times"`
	Of    []string `yaml:"of"`
}

type badSpec struct {
	Fail share  `yaml:"fail"`
	Hang share  `yaml:"hang"`
	Slow factor `yaml:"slow"`
}

type rampSpec struct {
	From factor `yaml:"from"`
	To   factor `yaml:"to"`
}

// recordedSpec is arrivals as they were counted somewhere. Their mean is a factor of 1.
type recordedSpec struct {
	// Counts is a file beside the scenario's, or the name of counts that are built in.
	Counts string `yaml:"counts"`
	// Compress is by how much faster they come than they did; 1 if it is not given.
	Compress factor `yaml:"compress"`
	// From is where to begin, in their own time.
	From span `yaml:"from"`

	shape []Piece // in their own time
}
