package library

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"triage/bench/peer/facts"
)

//go:embed bare.go proxy.go failsafe.go gobreaker.go gozero.go
var sources embed.FS

// kind is a contender: its files, and where its library comes from; "" is the standard library, or a file of our own.
type kind struct {
	files           []string
	module, version string
	handler         func(context.Context, facts.Facts) (http.Handler, error)
}

// Where libraries come from.
const (
	failsafeModule  = "github.com/failsafe-go/failsafe-go"
	gobreakerModule = "github.com/sony/gobreaker/v2"
	gozeroVersion   = "equations of v1.10.3"
)

// BarePrefix marks the name of a contender whose cost is measured.
const BarePrefix = "bare-"

var kinds = map[string]kind{
	"reverseproxy": {[]string{"proxy.go"}, "", runtime.Version(), reverseProxy},
	"failsafe":     {[]string{"failsafe.go"}, failsafeModule, "", failsafe},
	"gobreaker":    {[]string{"gobreaker.go"}, gobreakerModule, "", breaker},
	"gozero":       {[]string{"gozero.go"}, "", gozeroVersion, shedding},

	BarePrefix + "reverseproxy": {[]string{"bare.go", "proxy.go"}, "", runtime.Version(), bareProxy},
	BarePrefix + "failsafe":     {[]string{"bare.go", "failsafe.go"}, failsafeModule, "", bareFailsafe},
	BarePrefix + "gobreaker":    {[]string{"bare.go", "gobreaker.go"}, gobreakerModule, "", bareBreaker},
	BarePrefix + "gozero":       {[]string{"bare.go", "gozero.go"}, "", gozeroVersion, bareShedder},
}

// Source is how a contender is put together; "" of one that is not there.
func Source(name string) (all string) {
	for _, file := range kinds[name].files {
		text, err := sources.ReadFile(file)
		if err != nil {
			panic(err) // it is part of this program, and a test reads all of them
		}
		all += string(text)
	}
	return all
}

// Version is that of a contender's library.
func Version(name string) string {
	k := kinds[name]
	info, ok := debug.ReadBuildInfo()
	if k.module == "" || !ok {
		return k.version
	}
	for _, m := range info.Deps {
		if m.Path == k.module {
			return m.Path[strings.LastIndex(strings.TrimSuffix(m.Path, "/v2"), "/")+1:] + " " + m.Version
		}
	}
	return "unknown"
}

// Handler is a contender.
func Handler(ctx context.Context, name string, f facts.Facts) (http.Handler, error) {
	k, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("contender %q: want reverseproxy, failsafe, gobreaker or gozero, or one of them with %s before it", name, BarePrefix)
	}
	return k.handler(ctx, f)
}

// Serve serves a contender until ctx is done, and says where as one line of JSON.
func Serve(ctx context.Context, name, listen string, f facts.Facts, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	handler, err := Handler(ctx, name, f)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("opening the contender's address: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := json.NewEncoder(out).Encode(map[string]string{"listen": l.Addr().String()}); err != nil {
		return errors.Join(fmt.Errorf("saying where it listens: %w", err), l.Close())
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
