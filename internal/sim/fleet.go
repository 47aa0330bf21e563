// SPDX-License-Identifier: MPL-2.0

package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/rpc"
	"github.com/nomadlike/nomadlike/internal/run"
)

// Config describes a fleet of equal nodes.
type Config struct {
	// Servers are the RPC addresses to talk to, host:port. Caller takes their place when set.
	Servers []string
	Caller  api.Caller
	// Count is the number of nodes.
	Count int
	// CPU is in MHz (4000 when 0), MemoryMB (8192) and DiskMB (100 GiB) are MiB.
	CPU      int64
	MemoryMB int64
	DiskMB   int64
	// Datacenter is "dc1" when empty, Pool "default"; Class may be empty.
	Datacenter string
	Class      string
	Pool       string
	// Name is the beginning of the node names, "sim" when empty.
	Name string
	// Parallel is how many registrations and reports are on their way at a time, 64 when 0.
	Parallel int
	Logger   hclog.Logger
}

func (c *Config) ensureDefaults() error {
	if c.Count <= 0 {
		return fmt.Errorf("number of simulated nodes must be above 0, not %d", c.Count)
	}
	if c.Caller == nil && len(c.Servers) == 0 {
		return errors.New("simulated nodes need the address of a server")
	}
	if c.CPU == 0 {
		c.CPU = 4000
	}
	if c.MemoryMB == 0 {
		c.MemoryMB = 8192
	}
	if c.DiskMB == 0 {
		c.DiskMB = 100 << 10
	}
	if c.CPU < 0 || c.MemoryMB < 0 || c.DiskMB < 0 {
		return errors.New("resources of simulated nodes must not be negative")
	}
	if c.Datacenter == "" {
		c.Datacenter = "dc1"
	}
	if c.Pool == "" {
		c.Pool = api.NodePoolDefault
	}
	if c.Name == "" {
		c.Name = "sim"
	}
	if c.Parallel <= 0 {
		c.Parallel = 64
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	return nil
}

// nodesPerConn is how many nodes share one connection to a server.
const nodesPerConn = 2000

// Fleet is a number of simulated nodes.
type Fleet struct {
	cfg   Config
	log   hclog.Logger
	nodes []*node
	clock *clock
	// calls bounds registrations and reports on their way.
	calls chan struct{}
	// beats bounds heartbeats on their way; they do not wait for what the nodes do besides.
	beats chan struct{}
	ready chan struct{}

	registered, running, started, stopped atomic.Int64
}

// Stats tells what a fleet did so far.
type Stats struct {
	// Registered nodes, and Running allocations as last reported.
	Registered, Running int64
	// Started and Stopped count allocations.
	Started, Stopped int64
}

// New returns a fleet that does nothing yet.
func New(cfg Config) (*Fleet, error) {
	if err := cfg.ensureDefaults(); err != nil {
		return nil, err
	}
	f := &Fleet{
		cfg: cfg, log: cfg.Logger.Named("sim"), clock: newClock(),
		calls: make(chan struct{}, cfg.Parallel), beats: make(chan struct{}, cfg.Parallel), ready: make(chan struct{}),
	}
	f.nodes = make([]*node, cfg.Count)
	for i := range f.nodes {
		f.nodes[i] = &node{
			fleet: f, number: i, id: api.NewID(), secret: api.NewID(), caller: cfg.Caller, known: map[string]uint64{},
		}
	}
	return f, nil
}

// Run simulates the nodes until ctx ends. Nodes are not deregistered: to the servers they are lost.
func Run(ctx context.Context, cfg Config) error {
	f, err := New(cfg)
	if err != nil {
		return err
	}
	return f.Run(ctx)
}

// Ready is closed once every node is registered.
func (f *Fleet) Ready() <-chan struct{} { return f.ready }

// NodeIDs returns the IDs of the nodes.
func (f *Fleet) NodeIDs() []string {
	ids := make([]string, len(f.nodes))
	for i, n := range f.nodes {
		ids[i] = n.id
	}
	return ids
}

// Stats returns what the fleet did so far.
func (f *Fleet) Stats() Stats {
	return Stats{
		Registered: f.registered.Load(), Running: f.running.Load(),
		Started: f.started.Load(), Stopped: f.stopped.Load(),
	}
}

// Run simulates the nodes until ctx ends.
func (f *Fleet) Run(ctx context.Context) error {
	if f.cfg.Caller == nil {
		for i := 0; i < len(f.nodes); i += nodesPerConn {
			pool := rpc.NewPool()
			defer pool.Close()
			servers := rpc.NewServers(pool, f.cfg.Servers)
			for _, n := range f.nodes[i:min(i+nodesPerConn, len(f.nodes))] {
				n.caller = servers
			}
		}
	}
	g := run.New(ctx)
	g.Go("clock", func(ctx context.Context) error { return f.clock.run(ctx, g) })
	for _, n := range f.nodes {
		g.Go("node", n.run)
	}
	return g.Wait()
}

// Flap makes the nodes whose number is below share of the fleet report that they are down, and come back at once when all
// have. It returns when the servers have taken them back.
func (f *Fleet) Flap(ctx context.Context, share float64) error {
	nodes := f.nodes[:int(share*float64(len(f.nodes)))]
	for _, status := range []string{api.NodeStatusDown, api.NodeStatusReady, api.NodeStatusReady} {
		g := run.New(ctx)
		for _, n := range nodes {
			g.Go("node", func(ctx context.Context) error {
				_, err := n.say(ctx, status) // the first time it is ready its allocations are told of, the second time it is taken back
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("report nodes as %s: %w", status, err)
		}
	}
	return nil
}

// call runs fn when fewer than Parallel calls are on their way.
func (f *Fleet) call(ctx context.Context, fn func(context.Context) error) error {
	return limited(ctx, f.calls, fn)
}

// limited runs fn once there is room in the channel.
func limited(ctx context.Context, room chan struct{}, fn func(context.Context) error) error {
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-room }()
	return fn(ctx)
}

// backoff returns the wait after the n-th failure in a row, with jitter.
func backoff(n int) time.Duration {
	d := min(30*time.Second, 250*time.Millisecond<<min(n, 8))
	return d/2 + rand.N(d/2)
}
