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

// kind is a contender: its file, and where its library comes from; "" is the standard library, or a file of our own.
type kind struct {
	file, module, version string
	handler               func(context.Context, facts.Facts) (http.Handler, error)
}

var kinds = map[string]kind{
	"reverseproxy": {"proxy.go", "", runtime.Version(), func(_ context.Context, f facts.Facts) (http.Handler, error) { return reverseProxy(f) }},
	"bare":         {"bare.go", "", runtime.Version(), func(_ context.Context, f facts.Facts) (http.Handler, error) { return bareProxy(f) }},
	"failsafe":     {"failsafe.go", "github.com/failsafe-go/failsafe-go", "", failsafe},
	"gobreaker":    {"gobreaker.go", "github.com/sony/gobreaker/v2", "", func(_ context.Context, f facts.Facts) (http.Handler, error) { return breaker(f) }},
	"gozero":       {"gozero.go", "", "equations of v1.10.3", shedding},
}

// Source is how a contender is put together.
func Source(name string) string {
	text, err := sources.ReadFile(kinds[name].file)
	if err != nil {
		return "" // there is no such contender
	}
	return string(text)
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
		return nil, fmt.Errorf("contender %q: want reverseproxy, bare, failsafe, gobreaker or gozero", name)
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
