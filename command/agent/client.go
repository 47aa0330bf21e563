// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/rpc"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/host"
)

// clientRole is the client of an agent.
type clientRole struct {
	*client.Client
	agent *Agent
	// servers reaches the servers; nil when the agent is one itself.
	servers *rpc.Servers
	// listed are the servers of the configuration that need not be looked for.
	listed []string
	// met is closed when a server has answered.
	met     chan struct{}
	metOnce sync.Once
	// handlers are the client's operations, bound once.
	handlers *opset.Set
}

// Handlers returns the operations that the client serves.
func (r *clientRole) Handlers() *opset.Set { return r.handlers }

func newClientRole(a *Agent) (*clientRole, error) {
	r := &clientRole{agent: a, met: make(chan struct{})}
	c := &a.cfg.Client
	var err error
	if a.server == nil {
		if r.listed, err = serverAddresses(c.Servers); err != nil {
			return nil, fmt.Errorf("client.servers: %w", err)
		}
		r.servers = rpc.NewServers(a.pool, r.listed)
	}
	cfg := r.config()
	if idle := idleOptions(c.Options); len(idle) > 0 {
		a.log.Warn("nothing reads these client options", "options", strings.Join(idle, " "))
	}
	if r.Client, err = client.New(cfg, client.Deps{Servers: r, Logger: a.deps.Log, Metrics: a.metricsSink()}); err != nil {
		return nil, err
	}
	r.handlers = r.Client.Handlers()
	return r, nil
}

// config is the client block with what the client needs of the rest of the configuration.
func (r *clientRole) config() client.Config {
	a := r.agent
	cfg := a.cfg.Client.Config
	cfg.Region, cfg.Datacenter, cfg.Name, cfg.HTTPAddr = a.cfg.Region, a.cfg.Datacenter, a.cfg.Name, a.cfg.Advertise.HTTP
	cfg.Metrics, cfg.MetricsInterval = a.cfg.Telemetry.client(), a.cfg.Telemetry.CollectionInterval
	cfg.DataDir, cfg.DevMode, cfg.StopTasksOnExit = a.cfg.DataDir, a.cfg.Dev, a.cfg.Dev
	cfg.Program = a.deps.Program
	cfg.PluginDir, cfg.InternalDrivers, cfg.PluginBlocks = a.cfg.PluginDir, r.drivers(), r.blocks()
	return cfg
}

// drivers lists the drivers of this binary that the configuration enables.
func (r *clientRole) drivers() []host.Internal {
	var out []host.Internal
	for _, d := range r.agent.deps.Drivers {
		name := d.Name
		if name == mockDriver && r.agent.cfg.Client.Options["driver.mock_driver.enable"] != "true" && r.agent.cfg.Plugins[mockDriver] == nil {
			continue
		}
		out = append(out, host.Internal{Name: name, Command: append(slices.Clone(r.agent.deps.Program), "driver", name), Usable: d.Usable, Env: r.driverEnv(), RestAfter: restAfter(name)})
	}
	return out
}

// driverRest is for how long drivers that do nothing without tasks keep their process when they have none.
// Starting it again costs the next task some 25 ms.
const driverRest = 10 * time.Second

// restAfter tells the drivers whose process is there for tasks alone from those that have something to do at
// any time: docker removes images and containers that nobody needs.
func restAfter(name string) time.Duration {
	switch name {
	case "exec", "java", "qemu", "raw_exec":
		return driverRest
	}
	return 0
}

// chrootVariable hands chroot_env to drivers that make a root: the plugin protocol has no place for it.
const chrootVariable = "NOMADLIKE_CHROOT_ENV"

// driverEnv is what processes of internal drivers find in their environment besides the agent's.
func (r *clientRole) driverEnv() []string {
	shown := r.agent.cfg.Client.ChrootEnv
	if len(shown) == 0 {
		return nil
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return nil // strings always can be
	}
	return []string{chrootVariable + "=" + string(text)}
}

// mockDriver is started only where it is asked for: it is for tests.
const mockDriver = "mock_driver"

// blocks turns the plugin blocks, and the client options that stand for some, into those of the plugin host.
func (r *clientRole) blocks() []host.Block {
	var out []host.Block
	for label, p := range r.agent.cfg.Plugins {
		out = append(out, host.Block{Label: label, Args: p.Args, Config: p.Config})
	}
	return append(out, optionBlocks(r.agent.cfg.Client.Options, r.agent.cfg.Plugins)...)
}

// Call runs an operation on a server and learns from its answers which servers there are.
func (r *clientRole) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	if r.servers == nil {
		return r.agent.Call(ctx, op, req, resp)
	}
	meta, err := r.servers.Call(ctx, op, req, resp)
	if err == nil {
		r.metOnce.Do(func() { close(r.met) })
	}
	if beat, ok := resp.(**api.NodeHeartbeatResponse); ok && err == nil && *beat != nil {
		r.servers.Set((*beat).Servers)
	}
	return meta, err
}

// Open starts a streaming operation on a server.
func (r *clientRole) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	if r.servers == nil {
		return r.agent.Open(ctx, op, req)
	}
	return r.servers.Open(ctx, op, req)
}

func (r *clientRole) serverAddrs() []string {
	if r.servers == nil {
		return r.agent.server.srv.ServerAddresses()
	}
	return r.servers.Addrs()
}

func (r *clientRole) stats() map[string]string {
	last, ttl := r.Heartbeat()
	return map[string]string{
		"heartbeat_ttl": ttl.String(), "last_heartbeat": last.String(),
		"node_id": r.NodeID(), "known_servers": strings.Join(r.serverAddrs(), ","), "num_allocations": strconv.Itoa(r.AllocCount()),
	}
}

// run runs the client and, on an agent without a server, keeps a connection on which servers reach it.
func (r *clientRole) run(ctx context.Context) error {
	if r.servers == nil {
		return r.Client.Run(ctx)
	}
	g := run.New(ctx)
	g.Go("client", r.Client.Run)
	g.Go("node connection", r.serveServers)
	g.Go("join", r.join)
	return g.Wait()
}

// join looks for servers until one answers.
func (r *clientRole) join(ctx context.Context) error {
	join := r.agent.cfg.Client.ServerJoin
	if len(join.RetryJoin) == 0 {
		if len(r.listed) == 0 {
			r.agent.logger.Warn("this client knows no servers; set client.servers or client.server_join, or name them with node config -update-servers")
		}
		<-ctx.Done()
		return nil
	}
	for try := 1; ; try++ {
		found, err := findServers(ctx, join.RetryJoin, defaultServerPort)
		if len(found) > 0 {
			r.servers.SetHome(slices.Compact(append(slices.Clone(r.listed), found...)))
		}
		if err != nil {
			r.agent.logger.Warn("some servers could not be found", "attempt", try, "error", err)
		}
		select {
		case <-r.met:
			<-ctx.Done()
			return nil
		case <-ctx.Done():
			return nil
		case <-time.After(join.RetryInterval):
		}
		r.agent.logger.Warn("no server answers", "attempt", try, "servers", strings.Join(r.servers.Addrs(), ","))
		if join.RetryMax > 0 && try >= join.RetryMax {
			return fmt.Errorf("no server answers after %d attempts (client.server_join.retry_max)", try)
		}
	}
}

// serveServers keeps a node connection to each known server, so that any of them can reach the node.
func (r *clientRole) serveServers(ctx context.Context) error {
	open := map[string]context.CancelFunc{}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	g := run.New(ctx)
	for {
		known := r.servers.Addrs()
		for _, addr := range known {
			if open[addr] != nil {
				continue
			}
			cctx, cancel := context.WithCancel(ctx)
			open[addr] = cancel
			g.Go("node connection to "+addr, func(context.Context) error {
				r.keepConnection(cctx, addr)
				return nil
			})
		}
		for addr, cancel := range open {
			if !slices.Contains(known, addr) {
				cancel()
				delete(open, addr)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return g.Wait()
		}
	}
}

// keepConnection opens the connection again whenever it ends.
func (r *clientRole) keepConnection(ctx context.Context, addr string) {
	for ctx.Err() == nil {
		err := rpc.ServeNode(ctx, addr, r.NodeID(), r.SecretID(), r.agent.pool.Timing, r.agent)
		r.agent.logger.Debug("node connection ended", "server", addr, "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}
