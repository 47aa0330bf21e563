// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"io"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/events"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Applier writes to the replicated log.
type Applier interface {
	// Apply proposes an encoded command and returns what its apply function returned, with the log index.
	Apply(ctx context.Context, cmd []byte) (any, uint64, error)
}

// Heartbeats keeps the nodes' time to live on the leader.
type Heartbeats interface {
	// Reset notes that the node reported and returns how long it has until it must report again.
	Reset(nodeID string) time.Duration
	// Forget stops watching the node.
	Forget(nodeID string)
}

// Collector removes what is no longer needed.
type Collector interface {
	// Force collects everything that may go, whatever its age.
	Force(ctx context.Context) error
}

// Membership is what the agent endpoints tell of the servers.
type Membership interface {
	Members() []*api.Member
	// ServerName is this server's member name.
	ServerName() string
	Regions() []string
}

// Consensus is what the status endpoints tell of raft.
type Consensus interface {
	Applier
	// Barrier returns once everything that was committed before is in the state of this server; only the leader can.
	Barrier(ctx context.Context) error
	Leader() (addr string, self bool)
	// PeerAddresses returns the RPC addresses of the raft peers.
	PeerAddresses() []string
	// Configuration returns the raft peers with their roles.
	Configuration() (*api.RaftConfiguration, error)
	// RemovePeer takes a raft peer out; only the leader can.
	RemovePeer(ctx context.Context, id string) error
	// TransferLeadership makes the raft peer the leader; only the leader can.
	TransferLeadership(ctx context.Context, to api.RaftPeer) error
	// Health tells how the autopilot sees the servers; only the leader knows.
	Health() (*api.OperatorHealthReply, error)
	// RaftStats tells how far this server's log is.
	RaftStats() (*api.RaftStats, error)
}

// Snapshots saves and replaces the whole state.
type Snapshots interface {
	// Save returns an archive, which has to be closed, and the value of its Digest header.
	Save(ctx context.Context, consistent bool) (archive io.ReadCloser, digest string, err error)
	// Restore replaces the state of the cluster; only the leader can.
	Restore(archive io.Reader) error
}

// Env is what server handlers work with.
type Env struct {
	Region, Datacenter string
	// Authoritative is the region that namespaces and node pools are copied from, Region when empty.
	Authoritative string
	// Agents runs operations in other regions.
	Agents api.Caller
	Limits api.Limits
	// DefaultPriority is the priority of jobs that ask for 0 (job_default_priority).
	DefaultPriority int
	// MaxSource is the largest job source that is kept, in bytes (job_max_source_size).
	MaxSource int
	// Search limits the fuzzy search.
	Search SearchLimits
	// TrackedVersions is how many untagged versions of a job are kept.
	TrackedVersions int
	Store           *state.Store
	Raft            Consensus
	Heartbeats      Heartbeats
	// NodeEvals returns the evaluations that a change of the node calls for.
	NodeEvals func(s *state.Snapshot, node *api.Node, index uint64, now time.Time) []*api.Evaluation
	Collector Collector
	Members   Membership
	Events    *events.Broker
	Snapshots Snapshots
	// ServerAddrs are the RPC addresses that clients are told.
	ServerAddrs func() []string
	Logger      hclog.Logger
	// Now is the clock.
	Now func() time.Time

	updates *updateBatch
}

// settled returns the state with everything that was acknowledged anywhere. A server that was stopped may lead no more and not
// know it yet: who proposes an entry finds out. A write that finds nothing to do asks for this before it says so, and so does
// a read because of which something is ended.
func (e *Env) settled(ctx context.Context) (*state.Snapshot, error) {
	if err := e.Raft.Barrier(ctx); err != nil {
		return nil, err
	}
	return e.Store.Snapshot(), nil
}

// Handlers returns the operations that a server serves.
func (e *Env) Handlers() *opset.Set {
	set := opset.New()
	e.jobHandlers(set)
	e.allocHandlers(set)
	e.evalHandlers(set)
	e.nodeHandlers(set)
	e.nodePoolHandlers(set)
	e.namespaceHandlers(set)
	e.deploymentHandlers(set)
	e.jobPlacementHandlers(set)
	e.searchHandlers(set)
	e.serviceHandlers(set)
	e.volumeHandlers(set)
	e.clientSideHandlers(set)
	e.statusHandlers(set)
	e.eventHandlers(set)
	e.operatorHandlers(set)
	e.schedulerConfigHandlers(set)
	e.autopilotHandlers(set)
	e.snapshotHandlers(set)
	e.upgradeCheckHandlers(set)
	return set
}

// handleWrite binds a write: fn runs on the leader and notes the index of what it wrote with setIndex.
func handleWrite[Req, Resp any](set *opset.Set, op *api.Op[Req, Resp], fn func(context.Context, *Req) (Resp, error)) {
	opset.Handle(set, op, fn)
}
