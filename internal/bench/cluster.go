// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"context"
	"errors"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/rpc"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/internal/sim"
)

// cluster is a server with simulated nodes, all of which are registered.
type cluster struct {
	*agent
	fleet *sim.Fleet
	// group runs the nodes and what else lasts as long as the measurement.
	group *run.Group
	pool  *rpc.Pool
	// servers is how a caller reaches the server by RPC.
	servers api.Caller
}

// startCluster starts a server with the configuration, and the nodes.
func startCluster(ctx context.Context, bin, config string, nodes sim.Config) (*cluster, error) {
	a, err := start(ctx, bin, config)
	if err != nil {
		return nil, err
	}
	nodes.Servers = []string{a.rpc}
	c := &cluster{agent: a, group: run.New(ctx), pool: rpc.NewPool()}
	c.servers = rpc.NewServers(c.pool, nodes.Servers)
	if c.fleet, err = sim.New(nodes); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	c.group.Go("nodes", c.fleet.Run)
	select {
	case <-c.fleet.Ready():
		return c, nil
	case <-c.group.Context().Done():
		return nil, errors.Join(errors.New("simulated nodes ended"), c.stop())
	}
}

// stop ends the nodes and then the server.
func (c *cluster) stop() error {
	c.group.Stop()
	err := c.group.Wait()
	c.pool.Close()
	return errors.Join(err, c.agent.stop())
}

// run submits the jobs and waits until the nodes run all of them.
func (c *cluster) run(ctx context.Context, p *Placement) error {
	if _, err := p.submit(ctx, c.servers); err != nil {
		return err
	}
	return awaitRunning(ctx, c.fleet, int64(p.Jobs*p.Count))
}
