// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/rpc"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
)

// Driver is a driver in this binary.
type Driver struct {
	Name string
	// Usable says why the driver cannot be used on this machine at present; see host.Internal.
	Usable func() error
}

// Deps is what an agent is given besides its configuration.
type Deps struct {
	// Log is the agent's log; nil for none.
	Log *Log
	// Load reads the configuration again, unfinished; nil for an agent that cannot be reloaded.
	Load func() (*Config, error)
	// Program starts this binary again: the path of the executable and leading arguments. Driver plugins
	// and task shims run from it.
	Program []string
	// Drivers are the names of the drivers in this binary; "Program... driver NAME" runs one as a plugin.
	Drivers []Driver
}

// Agent is one agent: a server, a client or both, with the HTTP API in front.
type Agent struct {
	cfg    *Config
	deps   Deps
	log    *Log
	logger hclog.Logger

	mu struct {
		sync.Mutex
		// present is the configuration with what a reload has changed.
		present *Config
	}

	telemetry  *telemetry
	pool       *rpc.Pool
	dispatcher atomic.Pointer[ops.Dispatcher]
	server     *serverRole
	client     *clientRole
	http       net.Listener
	// temp is the temporary directory of a dev agent, hold what keeps others from taking it for a dead one's.
	temp  string
	hold  *os.File
	ready chan struct{}
}

// New checks the configuration and takes the ports and directories; nothing runs before Run.
func New(cfg *Config, deps Deps) (*Agent, error) {
	if err := cfg.EnsureDefaults(); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = &Log{InterceptLogger: hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard})}
	}
	a := &Agent{cfg: cfg, deps: deps, log: deps.Log, logger: deps.Log.Named("agent"), pool: rpc.NewPool(), ready: make(chan struct{})}
	a.pool.Timing = rpc.Timing{Dial: cfg.RPC.DialTimeout, KeepAlive: cfg.RPC.KeepAliveInterval, Write: cfg.RPC.ConnectionWriteTimeout}
	a.mu.present = typeinfo.Copy(cfg)
	if err := a.setUp(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *Agent) setUp() (err error) {
	if a.telemetry, err = newTelemetry(&a.cfg.Telemetry, a.cfg.Name, a.deps.Log.Named("telemetry")); err != nil {
		return err
	}
	if err := a.directories(); err != nil {
		return err
	}
	if a.http, err = listen("http", hosts(a.cfg.Addresses.HTTP), a.cfg.Ports.HTTP); err != nil {
		return err
	}
	if a.cfg.Server.Enabled {
		if a.server, err = newServerRole(a); err != nil {
			return err
		}
	}
	if a.cfg.Client.Enabled {
		if a.client, err = newClientRole(a); err != nil {
			return err
		}
	}
	a.dispatcher.Store(ops.NewDispatcher(a.dispatcherConfig()))
	return nil
}

// directories makes the data directory, or a temporary one in dev mode, and checks that it can be written to.
func (a *Agent) directories() error {
	c := a.cfg
	if c.Dev && c.DataDir == "" {
		a.clearDead()
		// Directories of the operator's are not for another agent to clear.
		if err := a.makeTemp(c.Client.StateDir == "" && c.Client.AllocDir == ""); err != nil {
			return err
		}
		if c.Client.StateDir == "" {
			c.Client.StateDir = filepath.Join(a.temp, "client")
		}
		if c.Client.AllocDir == "" {
			c.Client.AllocDir = filepath.Join(a.temp, "alloc")
		}
		return nil
	}
	key, dir := "data_dir", c.DataDir
	if dir == "" { // a client whose directories are given one by one
		key, dir = "client.state_dir", c.Client.StateDir
	}
	_, err := os.Stat(dir)
	missing := errors.Is(err, fs.ErrNotExist)
	if err = os.MkdirAll(dir, 0o755); err == nil && missing {
		err = os.Chmod(dir, 0o755) // whatever the umask is: tasks of other users reach their directories through it
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", key, err)
	}
	probe, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return fmt.Errorf("%s %s is not writable; change its owner or mode, or choose another: %w", key, dir, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}

func (a *Agent) dispatcherConfig() ops.Config {
	local := opset.New()
	ops.JobTools(local)
	a.localHandlers(local)
	a.adminHandlers(local)
	cfg := ops.Config{
		Region: a.cfg.Region, Local: local, Pool: a.pool, Logger: a.deps.Log, Metrics: a.telemetry.metrics,
	}
	if a.server != nil {
		cfg.Server, cfg.ServerOps, cfg.Nodes = a.server.srv, a.server.handlers, a.server.nodes
		cfg.Authoritative = a.cfg.Server.AuthoritativeRegion
	}
	if a.client != nil {
		cfg.Client = a.client
		if a.server == nil {
			cfg.Servers = a.client.servers
		}
	}
	return cfg
}

func (a *Agent) limits() api.Limits {
	l := api.DefaultLimits()
	if v := a.cfg.Server.JobMaxPriority; v != nil {
		l.MaxPriority = *v
	}
	if v := a.cfg.Server.JobMaxCount; v != nil {
		l.MaxCount = *v
	}
	return l
}

// Call runs an operation through the agent's dispatcher.
func (a *Agent) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	return a.dispatcher.Load().Call(ctx, op, req, resp)
}

// Open starts a streaming operation through the agent's dispatcher.
func (a *Agent) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	return a.dispatcher.Load().Open(ctx, op, req)
}

// HTTPAddr is the address that the HTTP API listens on.
func (a *Agent) HTTPAddr() string { return a.http.Addr().String() }

// ServerID is the ID of the agent's server, "" for an agent without one.
func (a *Agent) ServerID() string {
	if a.server == nil {
		return ""
	}
	return a.server.srv.ID()
}

// Ready is closed when the HTTP API answers.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// Run runs the agent until ctx ends, and returns when everything has stopped.
func (a *Agent) Run(ctx context.Context) error {
	defer a.close()
	g := run.New(ctx)
	// The client stops before the server and the HTTP API, so that its last reports arrive.
	roles, stopRoles := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRoles()
	g.Go("collector", newCollector().run)
	if a.server != nil {
		a.server.run(g, roles)
	}
	g.Go("http", func(context.Context) error { return a.serveHTTP(roles) })
	g.Go("client", func(ctx context.Context) error {
		defer stopRoles()
		if a.client == nil {
			<-ctx.Done()
			return nil
		}
		return a.client.run(ctx)
	})
	defer a.telemetry.tellOnSignal()()
	g.Go("telemetry", a.telemetry.run)
	g.Go("counts", a.dispatcher.Load().Publish)
	close(a.ready)
	return g.Wait()
}

func (a *Agent) serveHTTP(ctx context.Context) error {
	web, err := a.cfg.UI.handler()
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: httpd.New(httpd.Config{
			Caller: a, Logger: a.deps.Log, UI: web, ResponseHeaders: a.cfg.HTTPAPIResponseHeaders, Debug: a.debugHandler(),
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          a.logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	err = srv.Serve(newConnLimiter(a.http, api.Or(a.cfg.Limits.HTTPMaxConnsPerClient, defaultMaxConns), tooManyRequests))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// leaveWait bounds how long the server may take to leave the cluster.
const leaveWait = 15 * time.Second

// Leave drains the agent's node, if its configuration says so, and takes its server out of the cluster for good,
// before it stops.
func (a *Agent) Leave(ctx context.Context) error {
	var errs []error
	if a.client != nil {
		errs = append(errs, a.client.Drain(ctx))
	}
	if a.server != nil && ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(ctx, leaveWait)
		defer cancel()
		errs = append(errs, a.server.leave(ctx))
	}
	return errors.Join(errs...)
}

func (a *Agent) close() {
	if a.http != nil {
		a.http.Close()
	}
	if a.server != nil {
		a.server.close()
	}
	a.pool.Close()
	a.removeTemp()
}

// metricsSink is what roles write metrics to.
func (a *Agent) metricsSink() *metrics.Metrics { return a.telemetry.metrics }
