// SPDX-License-Identifier: MPL-2.0

package client

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// Times of talking to servers.
const (
	// driversWait is how long the first registration waits for drivers to be heard of: a node without
	// its drivers gets no work.
	driversWait = 5 * time.Second
	// settleWait gathers changes of the node into one registration.
	settleWait = 250 * time.Millisecond
	// callTimeout bounds a call that does not block.
	callTimeout = 30 * time.Second
	// beatTimeout is the least time that a server has to take a heartbeat.
	beatTimeout = 5 * time.Second
	// assumedTTL is the time to live of a node whose servers name none.
	assumedTTL = 10 * time.Second
)

// keepContact registers the node and keeps it alive with the servers.
func (c *Client) keepContact(ctx context.Context) error {
	patience := time.NewTimer(driversWait)
	select {
	case <-c.drivers.Ready():
	case <-patience.C:
		c.logger.Warn("node is registered before all its drivers have been heard of", "duration", driversWait)
	case <-ctx.Done():
	}
	patience.Stop()
	k := &contactState{client: c, status: api.NodeStatusInit}
	ok := k.register(ctx)
	for ok {
		if k.status != api.NodeStatusReady {
			// The servers know the node; now it takes work.
			if ttl, err := c.heartbeat(ctx, api.NodeStatusReady); err == nil {
				k.status = api.NodeStatusReady
				k.renewed(ttl)
				c.readyOnce.Do(func() { close(c.ready) })
			}
		}
		ok = k.next(ctx)
	}
	return nil
}

// contactState is what the goroutine that talks to the servers knows.
type contactState struct {
	client *Client
	// status is what the servers are told of the node.
	status string
	ttl    time.Duration
	// due is when the next heartbeat is to be sent.
	due time.Time
	// sent is the node as the servers have it.
	sent *api.Node
}

// renewed notes that the servers have given the node more time.
func (k *contactState) renewed(ttl time.Duration) {
	k.ttl = ttl
	k.due = time.Now().Add(ttl/2 - rand.N(ttl/10+1))
}

// next waits for the next thing to tell the servers and tells it. It is false when the context ends.
func (k *contactState) next(ctx context.Context) bool {
	c := k.client
	wait := time.Until(k.due)
	if k.status != api.NodeStatusReady {
		wait = run.Backoff(0)
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-c.reregister:
		k.status = api.NodeStatusInit
		return k.register(ctx)
	case <-c.node.changed:
		if run.Sleep(ctx, settleWait) != nil {
			return false
		}
		select {
		case <-c.node.changed:
		default:
		}
		if c.Node() == k.sent {
			return true // it changed before it was registered
		}
		return k.register(ctx)
	case <-t.C:
		if k.status != api.NodeStatusReady {
			return true
		}
	}
	return k.beat(ctx)
}

// beat sends a heartbeat, again and again while no server takes it.
func (k *contactState) beat(ctx context.Context) bool {
	c := k.client
	for try := 0; ; try++ {
		ttl, err := c.heartbeat(ctx, k.status)
		switch {
		case err == nil:
			if try > 0 || time.Since(k.due) > k.ttl/2 {
				// The servers may have taken the node for lost, and its services with it.
				c.services.Resync()
			}
			k.renewed(ttl)
			return true
		case ctx.Err() != nil:
			return false
		case api.IsClass(err, api.ClassNotFound):
			c.logger.Warn("servers do not know this node, it is registered again")
			k.status = api.NodeStatusInit
			return k.register(ctx)
		}
		c.unheard()
		if try == 0 {
			c.logger.Warn("heartbeat failed, trying again", "error", err)
		}
		if run.Sleep(ctx, min(run.Backoff(try), max(k.ttl/4, time.Second))) != nil {
			return false
		}
	}
}

// register tells the servers what the node is, again and again until one takes it.
func (k *contactState) register(ctx context.Context) bool {
	c := k.client
	for try := 0; ; try++ {
		snapshot := c.Node()
		node := *snapshot
		node.Status = k.status
		req := &api.NodeRegisterRequest{Node: &node, SecretID: c.identity.secret}
		req.Region = c.cfg.Region
		callCtx, cancel := context.WithTimeout(ctx, callTimeout)
		resp, _, err := api.NodeRegister.Call(callCtx, c.deps.Servers, req)
		cancel()
		if err == nil {
			c.logger.Info("node registered", "node_id", node.ID)
			k.sent = snapshot
			c.services.Resync()
			k.renewed(c.heard(ctx, resp))
			c.registeredOnce.Do(func() { close(c.registered) })
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.unheard()
		if try == 0 {
			c.logger.Warn("node cannot be registered, trying again", "error", err)
		}
		if run.Sleep(ctx, run.Backoff(try)) != nil {
			return false
		}
	}
}

// heartbeat renews the node's time to live. Servers that had taken the node for lost are told of its allocations
// before they let it take new ones.
func (c *Client) heartbeat(ctx context.Context, status string) (time.Duration, error) {
	resp, err := c.sendHeartbeat(ctx, status)
	if err == nil && resp != nil && status == api.NodeStatusReady && resp.Status == api.NodeStatusInit {
		// The clock that beat goes by stood still if the machine did.
		c.services.Resync()
		if err := c.reports.sync(ctx); err != nil {
			c.logger.Warn("states of allocations cannot be reported after an absence, trying again with the next heartbeat", "error", err)
		} else if again, err := c.sendHeartbeat(ctx, status); err == nil {
			resp = again
		}
	}
	if err != nil {
		return 0, err
	}
	return c.heard(ctx, resp), nil
}

func (c *Client) sendHeartbeat(ctx context.Context, status string) (*api.NodeHeartbeatResponse, error) {
	req := &api.NodeHeartbeatRequest{NodeID: c.identity.id, SecretID: c.identity.secret, Status: status}
	req.Region = c.cfg.Region
	callCtx, cancel := context.WithTimeout(ctx, c.beatPatience())
	defer cancel()
	resp, _, err := api.NodeHeartbeat.Call(callCtx, c.deps.Servers, req)
	return resp, err
}

// beatPatience is how long servers have to take a heartbeat: when one does not answer at all, there has to be time left for
// the next before the node is taken for lost.
func (c *Client) beatPatience() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(callTimeout, max(beatTimeout, cmp.Or(c.mu.ttl, assumedTTL)/2))
}

// unheard notes that no server took what it was told.
func (c *Client) unheard() {
	c.mu.Lock()
	c.mu.lost = true
	c.mu.Unlock()
}

// contactLost returns when a server was last heard of, at the start of the agent if none ever was, and whether
// none answers any more: a call has failed since, or the node's time to live has passed without an answer.
func (c *Client) contactLost(started time.Time) (since time.Time, lost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.contact.IsZero() {
		return started, c.mu.lost || time.Since(started) > assumedTTL
	}
	return c.mu.contact, c.mu.lost || time.Since(c.mu.contact) > c.mu.ttl
}

// heard takes what a server says with each contact, and returns the time to live.
func (c *Client) heard(ctx context.Context, resp *api.NodeHeartbeatResponse) time.Duration {
	c.mu.Lock()
	c.mu.contact, c.mu.lost, c.mu.ttl = time.Now(), false, assumedTTL
	if resp != nil && resp.TTL > 0 {
		c.mu.ttl = resp.TTL
	}
	ttl := c.mu.ttl
	c.mu.Unlock()
	c.sendEvents(ctx)
	if resp == nil {
		return ttl
	}
	if c.deps.ServersChanged != nil && len(resp.Servers) > 0 {
		c.deps.ServersChanged(resp.Servers)
	}
	return ttl
}

// sendEvents tells the servers the events of the node.
func (c *Client) sendEvents(ctx context.Context) {
	events := c.node.takeEvents()
	if len(events) == 0 {
		return
	}
	req := &api.NodeEventsRequest{NodeID: c.identity.id, SecretID: c.identity.secret, Events: events}
	req.Region = c.cfg.Region
	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, _, err := api.NodeEvents.Call(callCtx, c.deps.Servers, req); err != nil {
		c.logger.Debug("events of the node cannot be sent yet", "error", err)
		c.node.putBack(events)
	}
}

// contactCheck is how often a client without servers looks whether allocations are to end for it.
const contactCheck = time.Second

// stopWithoutContact ends allocations whose job wants that when the node has lost its servers
// (runtime.md 10.2): so long after the last heartbeat that a server took, but not while heartbeats are taken.
func (c *Client) stopWithoutContact(ctx context.Context) error {
	started := time.Now()
	t := time.NewTicker(contactCheck)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		last, lost := c.contactLost(started)
		if !lost {
			continue
		}
		for _, r := range c.allRunners() {
			group := r.Alloc().Group()
			if group == nil || group.Disconnect == nil || group.Disconnect.StopOnClientAfter == nil {
				continue
			}
			if after := *group.Disconnect.StopOnClientAfter; time.Since(last) > after && !isFinished(r) {
				c.logger.Warn("allocation is stopped because no server was heard of", "alloc_id", r.ID(), "duration", after)
				r.Abandon()
			}
		}
	}
}
