package sim

// spec is an episode as it stands in the zoo's YAML: a scenario with ranges.
type spec struct {
	Doc string `yaml:"doc"`
	// Base is another entry that this one changes: tables are merged, lists and values replaced.
	Base string `yaml:"base"`
	// Backend marks an entry that is only there to be a base.
	Backend   bool                   `yaml:"backend"`
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
	// Rates are those of a calm; a phase multiplies them.
	Rates  map[string]rate `yaml:"rates"`
	Phases []phaseSpec     `yaml:"phases"`
}

type resSpec struct {
	Sharing     string    `yaml:"sharing"` // slots (default) or processor
	Size        factor    `yaml:"size"`
	Contention  factor    `yaml:"contention"`
	Bound       factor    `yaml:"bound"`
	Patience    span      `yaml:"patience"`
	Pause       pauseSpec `yaml:"pause"`
	PerEndpoint bool      `yaml:"per_endpoint"`
}

type pauseSpec struct {
	Every span `yaml:"every"`
	For   span `yaml:"for"`
}

type routeSpec struct {
	Class    int  `yaml:"class"`
	Unsafe   bool `yaml:"unsafe"`
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
	Law   string    `yaml:"law"` // constant or exponential
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
}

type retrySpec struct {
	Times   int      `yaml:"times"`
	On      []string `yaml:"on"` // refusals, failures, timeouts
	Backoff span     `yaml:"backoff"`
	Honour  bool     `yaml:"honour_retry_after"`
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
	// Times multiplies all rates, Boost some, Rates replaces some.
	Times      factor            `yaml:"times"`
	Boost      map[string]factor `yaml:"boost"`
	Rates      map[string]rate   `yaml:"rates"`
	Burst      burstSpec         `yaml:"burst"`
	Slow       map[string]factor `yaml:"slow"`
	SlowRoutes map[string]factor `yaml:"slow_routes"`
	Size       map[string]factor `yaml:"size"`
	Bound      map[string]factor `yaml:"bound"`
	Fail       map[string]share  `yaml:"fail"`
	Hang       map[string]share  `yaml:"hang"`
	HangFor    span              `yaml:"hang_for"`
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
