// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/go-sockaddr/template"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/alloc"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/client/artifact"
	"github.com/nomadlike/nomadlike/client/cgroup"
	"github.com/nomadlike/nomadlike/client/fingerprint"
	"github.com/nomadlike/nomadlike/client/fs"
	"github.com/nomadlike/nomadlike/client/hoststats"
	"github.com/nomadlike/nomadlike/client/logs"
	"github.com/nomadlike/nomadlike/client/network"
	"github.com/nomadlike/nomadlike/client/services"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/client/users"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/internal/version"
	"github.com/nomadlike/nomadlike/plugins/host"
)

// Drivers are the driver plugins of the node; plugins/host.Manager is one.
type Drivers interface {
	task.Drivers
	// Run keeps the plugins running until the context ends.
	Run(ctx context.Context) error
	// Ready is closed when every driver has been heard of.
	Ready() <-chan struct{}
}

// Deps are what a client is given.
type Deps struct {
	// Servers runs operations on the servers.
	Servers api.Caller
	Logger  hclog.Logger
	// ServersChanged, unless nil, is told the addresses of the servers with each heartbeat.
	ServersChanged func(addrs []string)
	// Metrics takes what the client measures; nil for nobody.
	Metrics *metrics.Metrics
	// TLS is how other nodes are talked to whose HTTP API is encrypted; nil for the system's certificates.
	TLS *tls.Config
	// NewDrivers makes the driver plugins, host.New when nil.
	NewDrivers func(host.Config) Drivers
	// StartLogs is logs.Start when nil.
	StartLogs func(logs.Config) (*logs.Collector, error)
}

// Client is the node agent. Make it with New, and Run it.
type Client struct {
	cfg    Config
	deps   Deps
	logger hclog.Logger

	identity identity
	node     *nodeState
	facts    *fingerprint.Config
	state    *statedb.DB
	dirs     *allocdir.Root
	drivers  Drivers
	watcher  *fs.Watcher
	stats    *hoststats.Collector
	reports  *reporter
	services *services.Registry
	networks *network.Manager
	groups   *cgroup.Manager
	gc       *collector
	jobs     jobs

	// ready is closed when a server has taken the node as ready for the first time, registered when the
	// servers know it at all.
	ready, registered chan struct{}
	readyOnce         sync.Once
	registeredOnce    sync.Once
	// reregister asks for a registration at once.
	reregister chan struct{}

	// allocs runs the allocations; it outlives the context of Run.
	allocs    sync.WaitGroup
	allocsCtx context.Context
	allocDeps *alloc.Deps

	mu struct {
		sync.Mutex
		runners map[string]*alloc.Runner
		// gone are the allocations that were removed here while servers may still list them. One that is behind may not know
		// yet that they have ended.
		gone map[string]bool
		// contact is when a server was last heard of.
		contact time.Time
		// lost is set when a call has failed since, ttl how long a server waits for the next heartbeat.
		lost    bool
		ttl     time.Duration
		stopped bool
	}
}

// New returns a client that has claimed its directories and looked at the machine, and does nothing more
// before Run. Close releases what it holds if Run is never called.
func New(cfg Config, deps Deps) (_ *Client, err error) {
	cfg.EnsureDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("client configuration: %w", err)
	}
	if cfg.Name == "" {
		if cfg.Name, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("get the host name; set name in the configuration: %w", err)
		}
	}
	c := &Client{
		cfg: cfg, deps: deps, logger: deps.Logger.Named("client"),
		ready: make(chan struct{}), registered: make(chan struct{}), reregister: make(chan struct{}, 1),
	}
	c.mu.runners, c.mu.gone = map[string]*alloc.Runner{}, map[string]bool{}
	defer func() {
		if err != nil {
			_ = c.Close()
		}
	}()
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("create the state directory: %w", err)
	}
	if c.state, err = statedb.Open(filepath.Join(cfg.StateDir, "state.db"), c.logger.Named("state")); err != nil {
		return nil, err
	}
	if c.dirs, err = allocdir.OpenRoot(cfg.AllocDir, c.logger); err != nil {
		return nil, err
	}
	c.groups = cgroup.New(c.logger.Named("cgroup"))
	if err := c.detect(c.groups); err != nil {
		return nil, err
	}
	if err := c.loadMetadata(); err != nil {
		return nil, err
	}
	c.watcher = fs.NewWatcher(c.logger.Named("fs"))
	c.reports = newReporter(c)
	c.gc = newCollector(c)
	c.services = services.New(services.Config{
		Logger: c.logger.Named("services"), Servers: deps.Servers, NodeID: c.identity.id, SecretID: c.identity.secret, Region: cfg.Region,
		Unknown: c.askToRegister,
	})
	c.makeDrivers()
	start := deps.StartLogs
	if start == nil {
		start = logs.Start
	}
	devices := c.devices()
	c.allocDeps = &alloc.Deps{
		Networks: c.networks,
		StepRan:  func(step string, took time.Duration, err error) { c.hookRan("alloc_hook", step, took, err) },
		Dirs:     c.dirs, Report: c.reports.changed, Previous: c.runner, FetchPrevious: c.fetchPrevious,
		Tasks: &task.Deps{
			Logger: c.logger.Named("task"), Drivers: c.drivers, State: c.state, Cgroups: c.groups, Node: c.node.get, Services: c.services, Devices: devices,
			Artifacts: artifact.New(cfg.Artifact, cfg.Program, c.logger.Named("artifact")),
			Templates: task.Templates{Config: &c.cfg.Template, Servers: deps.Servers, Secret: c.identity.secret},
			Views:     allocdir.NewViews(cfg.AllocMountsDir), Users: users.NewPool(cfg.Users.Min, cfg.Users.Max),
			HookRan: func(hook string, took time.Duration, err error) { c.hookRan("task_hook", hook, took, err) },
			HostEnv: taskenv.HostEnv(cfg.envDenylist()), MaxKillTimeout: cfg.MaxKillTimeout, StartLogs: start,
			DeniedUsers:    cfg.optionOr([]string{"root", "Administrator"}, "user.denylist"),
			CheckedDrivers: cfg.optionOr([]string{"exec", "qemu", "java"}, "user.checked_drivers"),
		},
	}
	return c, nil
}

// detect looks at the machine and finds out who the node is.
func (c *Client) detect(groups *cgroup.Manager) error {
	cfg := &c.cfg
	device, err := interfaceName(cfg.NetworkInterface)
	if err != nil {
		return err
	}
	c.networks = network.New(network.Config{
		Path: cfg.cniPath(), ConfigDir: cfg.CNIConfigDir, Logger: c.logger.Named("network"),
		Bridge: cfg.BridgeNetworkName, Subnet: cfg.BridgeNetworkSubnet, SubnetIPv6: cfg.BridgeNetworkSubnetIPv6, Hairpin: cfg.BridgeNetworkHairpin,
		BindHostIP: cfg.bindHostIP(),
	})
	noBridge := network.BridgeAvailable()
	if noBridge != nil {
		c.logger.Debug("bridge networks are not offered", "reason", noBridge)
	}
	reservable, err := fingerprint.ParseCores(cfg.ReservableCores)
	if err != nil {
		return err
	}
	reserved, err := fingerprint.ParseCores(cfg.Reserved.Cores)
	if err != nil {
		return err
	}
	if cfg.CgroupParent == "" {
		cfg.CgroupParent = groups.Parent()
	}
	c.facts = &fingerprint.Config{
		AllocDir: cfg.AllocDir, Interface: device, Loopback: cfg.DevMode, PreferredFamily: cfg.PreferredAddressFamily,
		NetworkSpeed: cfg.NetworkSpeed, TotalCompute: cfg.CPUTotalCompute, TotalMemoryMB: cfg.MemoryTotalMB, TotalDiskMB: cfg.DiskTotalMB,
		ReservableCores: reservable, ReservedCPU: cfg.Reserved.CPU, ReservedCores: reserved, ReservedMemoryMB: cfg.Reserved.MemoryMB,
		ReservedDiskMB: cfg.Reserved.DiskMB, ReservedPorts: cfg.Reserved.ReservedPorts,
		MinDynamicPort: cfg.MinDynamicPort, MaxDynamicPort: min(cfg.MaxDynamicPort, lastPort),
		CgroupVersion: groups.Version(), Version: version.CompatVersion, Revision: version.Revision(), AdvertiseAddr: cfg.HTTPAddr,
		ServiceDiscovery: api.Or(cfg.NomadServiceDiscovery, true),
		Allow:            cfg.optionList("fingerprint.allowlist", "fingerprint.whitelist"),
		Deny:             cfg.optionList("fingerprint.denylist", "fingerprint.blacklist"),

		AllocNetworks: c.networks, Bridge: noBridge == nil, Hairpin: cfg.BridgeNetworkHairpin,

		DisallowLinkLocal: cfg.option("fingerprint.network.disallow_link_local") == "true",
	}
	for _, n := range cfg.HostNetworks {
		c.facts.HostNetworks = append(c.facts.HostNetworks, fingerprint.HostNetwork{
			Name: n.Name, CIDR: n.CIDR, Interface: n.Interface, ReservedPorts: n.ReservedPorts,
		})
	}
	usable := usableCores(reserved)
	groups.Setup(usable)
	c.facts.CanReserveCores = groups.Enabled()
	found := fingerprint.Detect(c.facts, c.logger.Named("fingerprint"))
	for _, d := range cfg.doubts(found) {
		c.logger.Warn("a setting seems to be meant for another machine", "setting", d.setting, "reason", d.reason)
	}

	machine := ""
	if !api.Or(cfg.NoHostUUID, true) {
		machine = found.Attributes["unique.host_id"]
	}
	if c.identity, err = loadIdentity(cfg.StateDir, machine); err != nil {
		return err
	}
	c.node = newNodeState(cfg, c.identity, found)
	speed := 0.0
	if cores := found.Resources.Cpu.TotalCpuCores; cores > 0 {
		speed = float64(found.Resources.Cpu.CpuShares) / float64(cores)
	}
	c.stats = hoststats.New(cfg.AllocDir, speed)
	return nil
}

// interfaceName evaluates the setting network_interface, which may be a go-sockaddr template.
func interfaceName(text string) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	name, err := template.Parse(text)
	if err != nil {
		return "", fmt.Errorf("client.network_interface: %w", err)
	}
	if name = strings.TrimSpace(name); name == "" || strings.ContainsAny(name, " ,") {
		return "", fmt.Errorf("client.network_interface: %q gives %q, which is not one interface", text, name)
	}
	return name, nil
}

// usableCores are the cores that are not withheld.
func usableCores(reserved []uint16) []uint16 {
	taken := map[uint16]bool{}
	for _, r := range reserved {
		taken[r] = true
	}
	var usable []uint16
	for i := range uint16(runtime.NumCPU()) {
		if !taken[i] {
			usable = append(usable, i)
		}
	}
	return usable
}

// nodeVariable tells the processes of internal drivers for which node they work, stateVariable a directory that is theirs,
// which they make themselves if they have something to keep.
const (
	nodeVariable  = "NOMADLIKE_NODE_ID"
	stateVariable = "NOMADLIKE_STATE_DIR"
)

func (c *Client) makeDrivers() {
	internal := slices.Clone(c.cfg.InternalDrivers)
	for i := range internal {
		internal[i].Env = append(slices.Clip(internal[i].Env), nodeVariable+"="+c.identity.id,
			stateVariable+"="+filepath.Join(c.cfg.StateDir, "drivers", internal[i].Name))
	}
	cfg := host.Config{
		Logger: c.logger, Internal: internal, Dir: c.cfg.PluginDir, Blocks: c.cfg.PluginBlocks,
		Allow:  c.cfg.optionList("driver.allowlist", "driver.whitelist"),
		Deny:   c.cfg.optionList("driver.denylist", "driver.blacklist"),
		Driver: driverHost(&c.cfg, c.node.get().NodeResources), Store: c.state,
		SocketDir:   filepath.Join(c.cfg.StateDir, "plugins"),
		Fingerprint: c.node.fingerprint, Event: c.driverEvent, Devices: c.node.setDevices,
	}
	if c.deps.NewDrivers != nil {
		c.drivers = c.deps.NewDrivers(cfg)
		return
	}
	c.drivers = host.New(cfg)
}

// Close releases what New claimed. Run does it by itself.
func (c *Client) Close() error {
	var errs []error
	if c.watcher != nil {
		errs = append(errs, c.watcher.Close())
	}
	if c.state != nil {
		errs = append(errs, c.state.Close())
	}
	if c.dirs != nil {
		errs = append(errs, c.dirs.Close())
	}
	return errors.Join(errs...)
}

// NodeID is the ID of the node.
func (c *Client) NodeID() string { return c.identity.id }

// SecretID proves to servers that a caller is the node; it is never logged.
func (c *Client) SecretID() string { return c.identity.secret }

// Node returns the node as it is registered; the value never changes.
func (c *Client) Node() *api.Node { return c.node.get().Node }

// Ready is closed when the servers have taken the node as ready.
func (c *Client) Ready() <-chan struct{} { return c.ready }

// LastContact returns when a server was last heard of, zero for never.
func (c *Client) LastContact() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.contact
}

// Run runs the client until the context ends or a driver plugin cannot be configured. It leaves the tasks
// running unless Config.StopTasksOnExit is set, and returns when everything else has stopped.
func (c *Client) Run(ctx context.Context) error {
	defer func() {
		if err := c.Close(); err != nil {
			c.logger.Error("client did not close cleanly", "error", err)
		}
	}()
	// Tasks and drivers end in order after the context of Run has.
	driversCtx, stopDrivers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDrivers()
	allocsCtx, stopAllocs := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAllocs()
	c.allocsCtx = allocsCtx

	g := run.New(ctx)
	driversDone := make(chan error, 1)
	go func() {
		err := c.drivers.Run(driversCtx)
		driversDone <- err
		if err != nil {
			g.Stop()
		}
	}()
	if err := c.restore(); err != nil {
		g.Stop()
		_ = g.Wait()
		stopDrivers()
		return errors.Join(err, <-driversDone)
	}
	g.Go("contact", c.keepContact)
	g.Go("watch", c.watchAllocs)
	g.Go("report", c.reports.run)
	g.Go("services", c.keepServices)
	g.Go("garbage collection", c.gc.run)
	g.Go("fingerprint", c.refreshFacts)
	g.Go("heartbeat stop", c.stopWithoutContact)
	g.Go("metrics", c.publishMetrics)
	g.Go("abandoned groups", c.removeAbandonedGroups)
	c.logger.Info("client started", "node_id", c.identity.id)
	err := g.Wait()

	if c.cfg.StopTasksOnExit {
		c.destroyAll()
	}
	c.mu.Lock()
	c.mu.stopped = true
	c.mu.Unlock()
	stopAllocs()
	c.allocs.Wait()
	stopDrivers()
	err = errors.Join(err, <-driversDone)
	c.logger.Info("client stopped", "node_id", c.identity.id)
	return err
}

// destroyAll ends all tasks and removes their directories.
func (c *Client) destroyAll() {
	all := c.allRunners()
	for _, r := range all {
		r.Destroy()
	}
	patience := time.NewTimer(c.cfg.MaxKillTimeout + 10*time.Second)
	defer patience.Stop()
	for _, r := range all {
		select {
		case <-r.Done():
		case <-patience.C:
			c.logger.Error("some tasks did not stop in time", "duration", c.cfg.MaxKillTimeout)
			return
		}
	}
}

// restore starts what an earlier agent left.
func (c *Client) restore() error {
	records, err := c.state.Allocs()
	if err != nil {
		// Allocations that can be read go on; the servers send the others anew.
		c.logger.Error("part of the client state cannot be read", "error", err)
	}
	// All are known before the first one runs, because one may wait for another.
	var all []*alloc.Runner
	for _, rec := range records {
		rec.Alloc = c.jobs.share(rec.Alloc, c.heldAllocs)
		if r := c.add(alloc.Config{Deps: c.allocDeps, Alloc: rec.Alloc, Restored: rec}); r != nil {
			all = append(all, r)
		}
	}
	for _, r := range all {
		c.launch(r)
	}
	c.warnOfStrangers()
	if len(records) > 0 {
		c.logger.Info("allocations of the last agent restored", "count", len(records))
	}
	return nil
}

// warnOfStrangers tells of directories that no allocation owns any more, as after the loss of the state.
// Their tasks may be running, so they are not touched.
func (c *Client) warnOfStrangers() {
	ids, err := c.dirs.List()
	if err != nil {
		c.logger.Warn("allocation directories cannot be listed", "error", err)
		return
	}
	for _, id := range ids {
		if c.runner(id) == nil {
			c.logger.Warn("directory belongs to no known allocation; stop what runs in it and remove it by hand",
				"alloc_id", id, "path", filepath.Join(c.dirs.Path(), id))
		}
	}
}

// groupsWait is how long after the start of an agent abandoned control groups are removed: there may be thousands,
// and there is more urgent work before.
const groupsWait = time.Minute

// removeAbandonedGroups does away with control groups that agents have left here which never came back.
func (c *Client) removeAbandonedGroups(ctx context.Context) error {
	if run.Sleep(ctx, groupsWait) != nil {
		return nil //nolint:nilerr // the agent ends
	}
	known := func(alloc string) bool { return c.runner(alloc) != nil }
	if n := c.groups.RemoveAbandoned(ctx, time.Now(), known); n > 0 {
		c.logger.Info("empty control groups of agents that never came back removed", "count", n)
	}
	return nil
}

// add makes the runner of an allocation; nil when there is one or the client has stopped.
func (c *Client) add(cfg alloc.Config) *alloc.Runner {
	r := alloc.New(cfg)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.stopped || c.mu.runners[r.ID()] != nil {
		return nil
	}
	c.mu.runners[r.ID()] = r
	return r
}

// launch runs an allocation that was added.
func (c *Client) launch(r *alloc.Runner) {
	c.allocs.Go(func() {
		r.Run(c.allocsCtx)
		if c.allocsCtx.Err() == nil {
			// It was destroyed.
			c.mu.Lock()
			delete(c.mu.runners, r.ID())
			c.mu.gone[r.ID()] = true
			c.mu.Unlock()
			c.reports.forget(r.ID())
			c.services.Forget(r.ID())
		}
	})
}

// isGone reports whether the allocation was removed here.
func (c *Client) isGone(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.gone[id]
}

// forgetGone forgets those of the removed allocations that are not kept.
func (c *Client) forgetGone(keep func(id string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.mu.gone, func(id string, _ bool) bool { return !keep(id) })
}

// runner returns the runner of an allocation, nil when there is none.
func (c *Client) runner(id string) *alloc.Runner {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.runners[id]
}

func (c *Client) allRunners() []*alloc.Runner {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*alloc.Runner, 0, len(c.mu.runners))
	for _, r := range c.mu.runners {
		all = append(all, r)
	}
	return all
}

// keepServices registers services once the servers know the node.
func (c *Client) keepServices(ctx context.Context) error {
	select {
	case <-c.registered:
	case <-ctx.Done():
		return nil
	}
	return c.services.Run(ctx)
}

// refreshInterval is how often facts that may change are looked at again.
const refreshInterval = time.Minute

// refreshFacts finds out when the node changes.
func (c *Client) refreshFacts(ctx context.Context) error {
	t := time.NewTicker(refreshInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			c.node.setFacts(c.node.currentFacts().Refresh(c.facts, c.logger.Named("fingerprint")))
		}
	}
}
