// SPDX-License-Identifier: MPL-2.0

// Package ops runs operations. Dispatcher is the one pipeline that every call takes, whether it came over
// HTTP, RPC or from the same process: authenticate, forward (region, leader, node), authorise, run, fill
// the meta, count. Handlers, one file a resource, never see those steps.
package ops

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/rpc"
)

// ServerSide is what the dispatcher needs of a server in the same process.
type ServerSide interface {
	// Leader returns the RPC address of the leader ("" when there is none) and whether it is this server.
	Leader() (addr string, self bool)
	// LastContact is how long ago this server heard from the leader.
	LastContact() time.Duration
	// RegionServers returns RPC addresses of servers in another region.
	RegionServers(region string) []string
	// NodeOf returns the node of an allocation, "" when it is unknown.
	NodeOf(allocID string) string
	// NodeKnown says whether a node is registered.
	NodeKnown(nodeID string) bool
	// Peers returns the RPC addresses of the other servers.
	Peers() []string
	// FindServer returns the RPC address of the server with the ID or member name, "" when there is none, and whether
	// it is this one.
	FindServer(idOrName string) (addr string, self bool)
}

// ClientSide is what the dispatcher needs of a client in the same process.
type ClientSide interface {
	// NodeID is the client's node.
	NodeID() string
	// HasAlloc says whether the client runs or keeps the allocation.
	HasAlloc(allocID string) bool
	// Handlers serve the operations of the client.
	Handlers() *opset.Set
}

// Config of a Dispatcher. Server and Client are nil for roles that the agent does not have.
type Config struct {
	Region string
	// Authoritative is the region whose leader runs ModeRegion operations, Region when empty.
	Authoritative string
	Server        ServerSide
	// ServerOps serves read and write operations on this server.
	ServerOps *opset.Set
	Client    ClientSide
	// Local serves ModeLocal operations.
	Local *opset.Set
	// Servers reaches the servers from an agent that is none.
	Servers api.Caller
	Pool    *rpc.Pool
	Nodes   *rpc.NodeConns
	// Auth checks callers; nil lets everyone do everything.
	Auth    Authoriser
	Logger  hclog.Logger
	Metrics *metrics.Metrics
}

// Authoriser decides whether a caller may run an operation.
type Authoriser interface {
	// Authorise returns a denied error unless the request's token allows the operation.
	Authorise(ctx context.Context, op *api.OpInfo, req api.Request) error
}

// leaderWait is how long a call waits for a leader while there is none.
const leaderWait = 5 * time.Second

// Dispatcher is an api.Caller over everything the agent can reach.
type Dispatcher struct {
	cfg    Config
	log    hclog.Logger
	counts rpcCounts
}

// NewDispatcher returns a dispatcher; the configuration's sets may still be filled until the first call.
func NewDispatcher(cfg Config) *Dispatcher {
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	return &Dispatcher{cfg: cfg, log: cfg.Logger.Named("ops")}
}

// errNoHandler says that this process does not serve the operation.
var errNoHandler = errors.New("no handler")

func unserved(op *api.OpInfo) error {
	return api.Errorf(api.ClassUnsupported, "operation %s is not served by this agent", op.Name)
}

// Call runs a unary operation.
func (d *Dispatcher) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	start := time.Now()
	meta := &api.Meta{KnownLeader: op.Mode == api.ModeRead}
	run := func(set *opset.Set) error {
		h := handler(set, op)
		if h == nil {
			return errNoHandler
		}
		if err := d.authorise(ctx, op, req); err != nil {
			return err
		}
		with := callMeta{Meta: meta}
		if d.cfg.Server != nil {
			with.contact = func() { d.contact(op, meta) }
		}
		v, err := h(withMeta(ctx, with), req)
		if err != nil {
			return err
		}
		if m, ok := v.(api.MetaSetter); ok {
			m.SetMeta(meta)
		}
		return rpc.SetResponse(resp, v)
	}
	remote := func(c api.Caller) error {
		m, err := c.Call(ctx, op, req, resp)
		if m != nil {
			*meta = *m
		}
		return err
	}
	err := d.route(ctx, op, req, meta, run, remote)
	if errors.Is(err, errNoHandler) {
		err = unserved(op)
	}
	d.measure(op, start, err)
	return meta, err
}

func handler(set *opset.Set, op *api.OpInfo) opset.Unary {
	if set == nil {
		return nil
	}
	return set.Unary(op.Name)
}

// Open starts a streaming operation.
func (d *Dispatcher) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	start := time.Now()
	var stream api.Stream
	run := func(set *opset.Set) error {
		if set == nil || set.Streaming(op.Name) == nil {
			return errNoHandler
		}
		if err := d.authorise(ctx, op, req); err != nil {
			return err
		}
		caller, end, finish := opset.Pipe(ctx)
		stream = caller
		go func() { finish(d.guard(op, func() error { return set.Streaming(op.Name)(end.Context(), req, end) })) }()
		return nil
	}
	remote := func(c api.Caller) (err error) {
		stream, err = c.Open(ctx, op, req)
		return err
	}
	err := d.route(ctx, op, req, &api.Meta{}, run, remote)
	if errors.Is(err, errNoHandler) {
		err = unserved(op)
	}
	d.measure(op, start, err)
	return stream, err
}

// guard turns a panic of a handler into an internal error, so that one bad request ends alone.
func (d *Dispatcher) guard(op *api.OpInfo, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("operation panicked", "operation", op.Name, "error", p, "stack", stack())
			err = api.Errorf(api.ClassInternal, "internal error in %s; the agent's log has the details", op.Name)
		}
	}()
	return f()
}

// route decides where the operation runs: run executes it with a set of this process, remote on another agent.
func (d *Dispatcher) route(ctx context.Context, op *api.OpInfo, req api.Request, meta *api.Meta, run func(*opset.Set) error, remote func(api.Caller) error) error {
	region := regionOf(req)
	if own := region == "" || region == d.cfg.Region; own && op.Mode == api.ModeRegion && d.cfg.Server != nil {
		var err error
		if region, err = d.authoritative(req.Options()); err != nil {
			return err
		}
	}
	if region != "" && region != d.cfg.Region && op.Mode != api.ModeLocal {
		req.Options().Region = region
		return d.toRegion(op, req, remote)
	}
	return d.guard(op, func() error {
		switch op.Mode {
		case api.ModeLocal:
			return run(d.cfg.Local)
		case api.ModeNode:
			return d.toNode(op, req, run, remote)
		case api.ModeAgent:
			return d.toAgent(op, req, run, remote)
		case api.ModeRead, api.ModeWrite, api.ModeRegion:
		}
		if d.cfg.Server == nil {
			if d.cfg.Servers == nil {
				return api.Errorf(api.ClassNoLeader, "No cluster leader")
			}
			return remote(d.cfg.Servers)
		}
		return d.toServer(ctx, op, req, meta, run, remote)
	})
}

// authoritative returns the region of a ModeRegion request and marks the request as sent there, so that
// regions which do not agree on it cannot pass it in circles.
func (d *Dispatcher) authoritative(o *api.RequestOptions) (string, error) {
	region := d.cfg.Authoritative
	if region == "" || region == d.cfg.Region {
		return d.cfg.Region, nil
	}
	if o.Authoritative {
		return "", api.Errorf(api.ClassInternal, "region %q was asked as the authoritative region, but its servers name %q; set the same server { authoritative_region } in all regions", d.cfg.Region, region)
	}
	o.Authoritative = true
	return region, nil
}

// regionOf returns the region that a request is for, "" for the agent's own. A job that is registered or
// planned without a region of the request brings its own; the default name there means the agent's region.
func regionOf(req api.Request) string {
	if region := req.Options().Region; region != "" {
		return region
	}
	var job *api.Job
	switch r := req.(type) {
	case *api.JobRegisterRequest:
		job = r.Job
	case *api.JobPlanRequest:
		job = r.Job
	}
	if job == nil || job.Region == api.DefaultRegion {
		return ""
	}
	return job.Region
}

func (d *Dispatcher) toRegion(op *api.OpInfo, req api.Request, remote func(api.Caller) error) error {
	err := error(api.Errorf(api.ClassInternal, "No path to region"))
	if d.cfg.Server == nil {
		if d.cfg.Servers == nil {
			return err
		}
		return remote(d.cfg.Servers)
	}
	for _, addr := range d.cfg.Server.RegionServers(req.Options().Region) {
		var c api.Caller
		if c, err = d.cfg.Pool.Caller(addr); err != nil {
			continue
		}
		if err = remote(c); !op.Elsewhere(req, err) {
			return err
		}
	}
	return err
}

// toServer runs reads and writes: here when this server leads or the read may be stale, else on the leader.
func (d *Dispatcher) toServer(ctx context.Context, op *api.OpInfo, req api.Request, meta *api.Meta, run func(*opset.Set) error, remote func(api.Caller) error) error {
	stale := false
	if rr, ok := req.(api.ReadRequest); ok && op.Mode == api.ModeRead {
		stale = rr.Read().AllowStale || op.Reads&api.AnyServer != 0
	}
	forwarded := req.Options().Forwarded
	deadline := time.Now().Add(leaderWait)
	for {
		addr, self := d.cfg.Server.Leader()
		if self || stale {
			d.contact(op, meta)
			err := run(d.cfg.ServerOps)
			if !api.IsClass(err, api.ClassNoLeader) || stale || time.Now().After(deadline) {
				return err
			}
		} else if addr != "" {
			if forwarded {
				// The sender thought this server leads; let it look again rather than travel in circles.
				return api.Errorf(api.ClassNoLeader, "No cluster leader")
			}
			c, err := d.cfg.Pool.Caller(addr)
			if err != nil {
				return err
			}
			req.Options().Forwarded = true
			err = remote(c)
			req.Options().Forwarded = false
			if !op.Elsewhere(req, err) || time.Now().After(deadline) {
				return err
			}
		} else if time.Now().After(deadline) {
			return api.Errorf(api.ClassNoLeader, "No cluster leader")
		}
		select {
		case <-ctx.Done():
			return api.Errorf(api.ClassTimeout, "request ended while waiting for a leader")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// contact notes in the meta of an answer of this server how it stands with the leader.
func (d *Dispatcher) contact(op *api.OpInfo, meta *api.Meta) {
	addr, self := d.cfg.Server.Leader()
	meta.KnownLeader, meta.LastContact = addr != "" && op.Mode == api.ModeRead, 0
	if !self {
		meta.LastContact = d.cfg.Server.LastContact()
	}
}

// toNode runs an operation of a client: here, through a node connection, or through another server.
func (d *Dispatcher) toNode(op *api.OpInfo, req api.Request, run func(*opset.Set) error, remote func(api.Caller) error) error {
	target := targetOf(req)
	nodeID, allocID := target.NodeID, target.AllocID
	if target.ByAlloc {
		if allocID == "" {
			return api.Errorf(api.ClassInvalid, "missing AllocID")
		}
		if err := checkID("alloc", allocID); err != nil {
			return err
		}
	}
	forwarded := req.Options().Forwarded
	if cl := d.cfg.Client; cl != nil {
		if allocID != "" && cl.HasAlloc(allocID) || allocID == "" && (nodeID == "" || nodeID == cl.NodeID()) {
			return run(cl.Handlers())
		}
	} else if allocID == "" && nodeID == "" {
		return api.Errorf(api.ClassInvalid, "No local Node and node_id not provided")
	}
	if d.cfg.Server == nil {
		if forwarded || d.cfg.Servers == nil {
			return unknownTarget(allocID)
		}
		return remote(d.cfg.Servers)
	}
	if nodeID == "" {
		if nodeID = d.cfg.Server.NodeOf(allocID); nodeID == "" {
			return unknownTarget(allocID)
		}
	} else if !d.cfg.Server.NodeKnown(nodeID) {
		return api.Errorf(api.ClassNotFound, "Unknown node %q", nodeID)
	}
	if cl := d.cfg.Client; cl != nil && nodeID == cl.NodeID() {
		return run(cl.Handlers()) // the allocation was collected: the client says that it has it no more
	}
	return d.throughNode(op, req, nodeID, remote)
}

// throughNode reaches a node over its connection to this server, or to another one.
func (d *Dispatcher) throughNode(op *api.OpInfo, req api.Request, nodeID string, remote func(api.Caller) error) error {
	o := req.Options()
	forwarded := o.Forwarded
	o.Forwarded = true
	if d.cfg.Nodes != nil {
		if c, ok := d.cfg.Nodes.Caller(nodeID); ok {
			return remote(c)
		}
	}
	if !forwarded {
		for _, addr := range d.cfg.Server.Peers() {
			c, err := d.cfg.Pool.Caller(addr)
			if err != nil {
				continue
			}
			if err := remote(c); !op.Elsewhere(req, err) && !isNoPath(err) {
				return err
			}
		}
	}
	return errNoPath
}

func targetOf(req api.Request) api.Target {
	if t, ok := req.(api.Targeted); ok {
		return t.Target()
	}
	return api.Target{}
}

// targetLeader names the server that leads.
const targetLeader = "leader"

// toAgent runs an operation of an agent: here unless the request names another one.
func (d *Dispatcher) toAgent(op *api.OpInfo, req api.Request, run func(*opset.Set) error, remote func(api.Caller) error) error {
	target := targetOf(req)
	switch {
	case target.NodeID != "" && target.ServerID != "":
		return api.Errorf(api.ClassInvalid, "Cannot target node and server simultaneously")
	case target.NodeID == "" && target.ServerID == "":
		return run(d.cfg.Local)
	case target.NodeID != "" && d.cfg.Client != nil && d.cfg.Client.NodeID() == target.NodeID:
		return run(d.cfg.Local)
	}
	if d.cfg.Server == nil {
		if req.Options().Forwarded || d.cfg.Servers == nil {
			return errNoPath
		}
		return remote(d.cfg.Servers)
	}
	if target.NodeID != "" {
		if err := checkID("node", target.NodeID); err != nil {
			return err
		}
		if !d.cfg.Server.NodeKnown(target.NodeID) {
			return api.Errorf(api.ClassNotFound, "Unknown node %q", target.NodeID)
		}
		return d.throughNode(op, req, target.NodeID, remote)
	}
	addr, self := "", false
	if target.ServerID == targetLeader {
		if addr, self = d.cfg.Server.Leader(); addr == "" && !self {
			return api.Errorf(api.ClassNoLeader, "No cluster leader")
		}
	} else {
		addr, self = d.cfg.Server.FindServer(target.ServerID)
	}
	switch {
	case self:
		return run(d.cfg.Local)
	case addr == "" || req.Options().Forwarded:
		return api.Errorf(api.ClassNotFound, "unknown server %q", target.ServerID)
	}
	c, err := d.cfg.Pool.Caller(addr)
	if err != nil {
		return err
	}
	// A client's agent may have passed the request on to this server: the next one is where it ends.
	req.Options().Forwarded = true
	return remote(c)
}

// errNoPath is the contract's text for a node that no server is connected with.
var errNoPath = api.Errorf(api.ClassNotFound, "No path to node. If the node is down, its allocations cannot be reached")

func isNoPath(err error) bool {
	e := api.AsError(err)
	return e != nil && e.Class == api.ClassNotFound && e.Message == errNoPath.Message
}

func unknownTarget(allocID string) error {
	if allocID == "" {
		return errNoPath
	}
	return api.Errorf(api.ClassNotFound, "Unknown allocation %q", allocID)
}

func (d *Dispatcher) authorise(ctx context.Context, op *api.OpInfo, req api.Request) error {
	if d.cfg.Auth == nil {
		return nil
	}
	return d.cfg.Auth.Authorise(ctx, op, req)
}
