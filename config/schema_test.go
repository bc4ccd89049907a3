package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"

	"triage/config"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatalf("reading the schema back: %v", err)
	}
	return &s
}

// paths lists every key of the schema as Reference writes it.
func paths(root, s *jsonschema.Schema, path string) []string {
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		return paths(root, root.Defs[name], path)
	}
	var all []string
	for name, p := range s.Properties {
		inside := strings.TrimPrefix(path+"."+name, ".")
		all = append(all, inside)
		all = append(all, paths(root, p, inside)...)
	}
	for _, alternative := range s.AnyOf {
		if alternative.Ref == "" || s.AnyOf[len(s.AnyOf)-1].Items == nil {
			all = append(all, paths(root, alternative, path)...)
		}
	}
	if s.Items != nil {
		all = append(all, paths(root, s.Items, path+"[]")...)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Not == nil {
		all = append(all, paths(root, s.AdditionalProperties, path+".NAME")...)
	}
	return all
}

func TestSchemaHasEveryKeyAndNoOther(t *testing.T) {
	root := schema(t)
	got := paths(root, root, "")
	slices.Sort(got)
	var want []string
	for _, k := range config.Reference() {
		want = append(want, k.Path)
		if k.Doc == "" || k.Type == "" {
			t.Errorf("%s: got %+v, want a type and a description", k.Path, k)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("keys of the schema:\n%v\nkeys of the reference:\n%v", got, want)
	}
	if len(got) < 70 {
		t.Errorf("got %d keys, want 70 and more", len(got))
	}
}

// The decoder knows a key if it does not call it unknown, whatever else it has to say.
func TestDecoderKnowsEveryKeyOfTheSchema(t *testing.T) {
	root := schema(t)
	for _, path := range paths(root, root, "") {
		known := errorOf(nest(path))
		if strings.Contains(known, "unknown key") {
			t.Errorf("%s: the schema has it, the decoder says:\n%s", path, known)
		}
		if unknown := errorOf(nest(path + "_x")); !strings.Contains(unknown, "unknown key") {
			t.Errorf("%s_x: got:\n%s\nwant an unknown key", path, unknown)
		}
	}
}

// nest writes a document that has nothing but the key at the path.
func nest(path string) string {
	open, end := "", ""
	for _, key := range strings.Split(path, ".") {
		name, list := strings.CutSuffix(key, "[]")
		open += "{" + strings.ToLower(name) + ": "
		end = "}" + end
		if list {
			open += "["
			end = "]" + end
		}
	}
	return open + "5" + end
}

func errorOf(text string) string {
	_, err := config.Parse("t.yaml", []byte(text))
	return fmt.Sprint(err)
}

// verdicts judges a document twice: by the schema, and by the decoder.
func verdicts(t *testing.T, resolved *jsonschema.Resolved, text string) (bySchema, byDecoder error) {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(asJSON, &value); err != nil {
		t.Fatal(err)
	}
	_, byDecoder = config.Parse("testdata/t.yaml", []byte(text))
	var ps config.Problems
	if byDecoder != nil && !errors.As(byDecoder, &ps) {
		t.Fatal(byDecoder)
	}
	return resolved.Validate(value), byDecoder
}

// judgements are lines put into a minimal configuration at the place of the prefix.
var judgements = []struct {
	place string
	fine  []string
	wrong []string
}{
	{"", []string{"name: edge-1", "health_checks: []", "priorities: [normal]", "drain: {delay: 5s}", "admin: localhost:0", "admin: {address: '[::1]:9'}"},
		[]string{"nam: a", "name: 5", "name: 'a b'", "name: ''", "priorities: []", "priorities: normal", "priorities: [normal, normal]",
			"priorities: [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,normal]", "drain: 5s", "drain: {delay: 5}", "drain: {delay: -5s}", "admin: 9901", "admin:",
			"health_checks: [healthz]", "health_checks: ['/a*']", "session_key_file: ''", "access_log: {to: stdot}", "access_log: {buffer: 0}", "access_log: {buffer: 1.5}"}},
	{"listen", []string{"':8080'", "[':1', {address: ':2'}]", "{address: ':1', lane: standard}", "{address: ':1', lane: fast}", "{address: ':1', limits: {header: 8KiB, body: 0B, response: 0B, connections: 1}}",
		"{address: ':1', trusted_proxies: [10.0.0.0/8, '::1']}", "{address: ':1', tls: {cert_file: cert.pem, key_file: key.pem}}"},
		[]string{"8080", "[]", "[[':1']]", "{lane: auto}", "{address: ':1', lane: quick}", "{address: ':1', limits: {header: 8}}", "{address: ':1', limits: {response: 8}}", "{address: ':1', limits: {connections: 0}}",
			"{address: ':1', trusted_proxies: [all]}", "{address: ':1', tls: {cert_file: cert.pem}}", "{address: ':1', port: 1}", "'a b:1'", "true"}},
	{"upstream", []string{"timeout: 1m30s", "idle_connections: 1"},
		[]string{"timeout: 15", "timeout: '15'", "idle_connections: '1'", "idle_connections: 65537", "endpoint: a", "connect_timeout: fast"}},
	{"endpoint", []string{"http://a", "{url: 'https://[::1]:443', weight: 1000, zone: a, version: v1+2}"},
		[]string{"a:80", "http://a/", "http://u@a", "{weight: 1}", "{url: http://a, weight: 0}", "{url: http://a, weight: 1001}", "{url: http://a, zone: ''}", "5", "[http://a]"}},
	{"route", []string{"match: {}", "match: {path: /a/*, methods: [GET, POST], host: '*.a.b', headers: {X-A: '*'}}", "match: {methods: []}", "session: {cookie: sid}",
		"rate_limit: {rate: 5/s}", "rate_limit: [{rate: 5/s, per: 'header:X-A'}, {rate: 0.5/m, per: client_ip, burst: 3}]", "degrade: {hint: true}", "degrade: {}",
		"degrade: {fallback: {body_file: empty.json}}", "degrade: {fallback: {body: x, status: 599}}", "breaker: {disabled: true, probes: 100}", "error_objective: 0.5%",
		"timeout: 0s", "body_limit: 1MB", "response_limit: 1GiB", "priority: sheddable", "rate_limit: []"},
		[]string{"match: {path: a}", "match: {path: '/a*'}", "match: {methods: [get]}", "match: {methods: GET}", "match: {host: 'a:1'}", "match: {headers: {X-A: 1}}", "match: {headers: {'X A': a}}",
			"session: {}", "session: {cookie: a, header: b}", "session: sid", "rate_limit: 5/s", "rate_limit: {rate: 5}", "rate_limit: {burst: 5}", "rate_limit: {rate: 5/s, burst: 0}",
			"rate_limit: {rate: 5/s, per: ip}", "degrade: {hint: 'true'}", "degrade: {fallback: {status: 199}}", "degrade: {fallback: {body: x, body_file: empty.json}}",
			"breaker: {probes: 0}", "breaker: {disabled: 1}", "breaker: {failure_share: 0.5}", "error_objective: 2", "body_limit: 10", "response_limit: 10mb", "response_limit: -1B", "timeout: soon", "upstream: shop", "priority: High", "weight: 1",
			"degrade: {fallback: {content_type: json}}"}},
}

// place puts a line where it belongs in a configuration that is sane without it.
func place(where, line string) string {
	listen, endpoint, top, upstream, route := "':8080'", "http://a:1", "", "", "upstream: u"
	switch where {
	case "listen":
		listen = line
	case "endpoint":
		endpoint = line
	case "upstream":
		upstream = line
	case "route":
		if route += "\n    " + line; strings.HasPrefix(line, "upstream:") {
			route = "match: {}"
		}
	default:
		top = line
	}
	return fmt.Sprintf("listen: %s\n%s\nupstreams:\n  u:\n    endpoints: [%s]\n    %s\nroutes:\n  - name: r\n    %s\n", listen, top, endpoint, upstream, route)
}

func TestSchemaAndDecoderJudgeAlike(t *testing.T) {
	resolved, err := schema(t).Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range judgements {
		for _, line := range slices.Concat(j.fine, j.wrong) {
			fine := slices.Contains(j.fine, line)
			bySchema, byDecoder := verdicts(t, resolved, place(j.place, line))
			if (bySchema == nil) != fine || (byDecoder == nil) != fine {
				t.Errorf("%s %s: want fine %t\nschema: %v\ndecoder: %v", j.place, line, fine, bySchema, byDecoder)
			}
		}
	}
	for _, path := range []string{"testdata/example.yaml", "testdata/full.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bySchema, byDecoder := verdicts(t, resolved, string(text)); bySchema != nil || byDecoder != nil {
			t.Errorf("%s: schema: %v\ndecoder: %v", path, bySchema, byDecoder)
		}
	}
}

// What the schema cannot see, the decoder must; doc comment of Schema.
func TestBeyondTheSchema(t *testing.T) {
	resolved, err := schema(t).Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ place, line string }{
		{"route", "priority: gold"}, {"route", "breaker: {open_for: 1m}"}, {"route", "degrade: {fallback: {body_file: none}}"},
		{"listen", "[':1', ':1']"}, {"listen", "':99999'"}, {"", "admin: ':9901'"}, {"endpoint", "http://a:0"},
		{"listen", "{address: ':1', h2c: true, tls: {cert_file: schema_test.go, key_file: schema_test.go}}"},
	}
	for _, c := range cases {
		bySchema, byDecoder := verdicts(t, resolved, place(c.place, c.line))
		if bySchema != nil || byDecoder == nil {
			t.Errorf("%s %s: got schema %v, decoder %v, want only the decoder to refuse", c.place, c.line, bySchema, byDecoder)
		}
	}
}
