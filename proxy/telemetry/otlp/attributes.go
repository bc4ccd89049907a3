package otlp

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	common "go.opentelemetry.io/proto/otlp/common/v1"

	"triage/proxy"
	"triage/proxy/reason"
)

// attributes gathers what there is to say: what is empty is left out.
type attributes []*common.KeyValue

func (a *attributes) text(key, value string) {
	if value != "" {
		*a = append(*a, text(key, value))
	}
}

func (a *attributes) number(key string, value int64) {
	if value != 0 {
		*a = append(*a, &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: value}}})
	}
}

// text is one attribute. Protobuf takes nothing that is not UTF-8, and clients send what they like.
func text(key, value string) *common.KeyValue {
	if !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "\uFFFD")
	}
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

// method is one of those that are known, or a word for the others: the name of a span must not be a client's to choose.
func method(x *proxy.Exchange, other string) string {
	switch x.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "QUERY":
		return x.Method
	}
	return other
}

// serverName is the span's: method and the route's path, which is of the configuration.
func serverName(x *proxy.Exchange) string {
	name := method(x, "HTTP")
	if x.Trace.Pattern != "" {
		return name + " " + x.Trace.Pattern
	}
	return name
}

func serverAttributes(x *proxy.Exchange) (a attributes) {
	a.request(x)
	a.text("url.scheme", x.Trace.Scheme)
	a.text("url.path", x.Path)
	a.text("http.route", x.Trace.Pattern)
	a.server(x.Host)
	if x.Client.IsValid() {
		a.text("client.address", x.Client.String())
	}
	a.text("network.protocol.version", strings.TrimSuffix(strings.TrimPrefix(x.Proto, "HTTP/"), ".0"))
	a.number("http.response.status_code", int64(x.Status))
	if x.Status >= 500 || x.Reason != reason.None {
		a.text("error.type", word(x))
	}
	a.text("triage.request_id", x.ID)
	a.text("triage.route", x.Route)
	a.text("triage.priority", x.Priority)
	a.text("triage.upstream", x.Upstream)
	a.text("triage.endpoint", x.Endpoint)
	a.text("triage.result", x.Result.String())
	if x.Reason != reason.None {
		a.text("triage.reason", x.Reason.String())
		a.text("triage.fault", x.Reason.Fault().String())
	}
	if x.Would != reason.None {
		a.text("triage.would_refuse", x.Would.String())
	}
	a.number("http.request.body.size", x.BytesIn)
	a.number("http.response.body.size", x.BytesOut)
	return a
}

func clientAttributes(x *proxy.Exchange) (a attributes) {
	a.request(x)
	a.text("url.full", x.Endpoint+x.Path)
	if endpoint, err := url.Parse(x.Endpoint); err == nil {
		a.server(endpoint.Host)
	}
	a.number("http.response.status_code", int64(x.UpstreamStatus))
	if x.UpstreamStatus >= 400 || x.Reason != reason.None {
		a.text("error.type", word(x))
	}
	return a
}

func (a *attributes) request(x *proxy.Exchange) {
	a.text("http.request.method", method(x, "_OTHER"))
	if method(x, "") == "" {
		a.text("http.request.method_original", x.Method)
	}
}

// server is whom the request was sent to, by name and port.
func (a *attributes) server(authority string) {
	host, port, err := net.SplitHostPort(authority)
	if err != nil {
		host = authority
	}
	a.text("server.address", strings.Trim(host, "[]"))
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		a.number("server.port", int64(n))
	}
}
