// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
)

// Config says what a server is. Times and sizes that are zero get the defaults of the contract.
type Config struct {
	// Name is the node name, Region and Datacenter where it is.
	Name       string
	Region     string
	Datacenter string
	// Build is the version that other servers are told, Revision its commit.
	Build    string
	Revision string

	// DataDir is the server's directory; empty keeps everything in memory (dev mode).
	DataDir string
	// BootstrapExpect is how many servers start a new cluster; 0 joins an existing one.
	BootstrapExpect int
	// RPCAdvertise is the address other servers and clients reach this one at, host:port.
	RPCAdvertise string

	// SerfBind and SerfAdvertise are the gossip addresses, host:port; port 0 picks a free one.
	SerfBind      string
	SerfAdvertise string
	// SerfMoreHosts are further addresses that gossip listens on, at the same port.
	SerfMoreHosts    []string
	EncryptKey       []byte
	RejoinAfterLeave bool

	RaftSettings
	NoFreelistSync  bool
	DisableLogCache bool

	// EventBufferSize is how many commits the event stream keeps; negative switches it off.
	EventBufferSize int
	// SchedulerConfig is stored when a new cluster starts; nil for the defaults.
	SchedulerConfig *api.SchedulerConfiguration
	// AutopilotConfig is stored when a new cluster starts; nil for the defaults.
	AutopilotConfig *api.AutopilotConfiguration
}

// RaftSettings are the settings of raft that may change while the server runs.
type RaftSettings struct {
	// RaftMultiplier scales the raft timeouts, 1 to 10.
	RaftMultiplier int
	// SnapshotThreshold is how many entries make a snapshot, SnapshotInterval how often that is looked
	// at, TrailingLogs how many entries stay after one.
	SnapshotThreshold uint64
	SnapshotInterval  time.Duration
	TrailingLogs      uint64
}

// Deps is what a server is given.
type Deps struct {
	Logger hclog.Logger
	// Metrics takes what the server measures; nil for nobody.
	Metrics *metrics.Metrics
	// RaftLayer carries raft over the RPC port.
	RaftLayer raft.StreamLayer
	// RaftTransport is used instead of RaftLayer when set.
	RaftTransport RaftTransport
	// GossipTransport replaces the gossip network, for tests.
	GossipTransport memberlist.Transport
	// PeersOf asks another server, by its RPC address, for the raft peers it knows. A cluster of several
	// is only started when nobody knows one already.
	PeersOf func(ctx context.Context, addr string) ([]string, error)
	// StatsOf asks another server, by its RPC address, how far its raft log is; nil leaves the others' health open.
	StatsOf func(ctx context.Context, addr string) (*api.RaftStats, error)
	// Duties of the leader; AddDuty adds more before Run.
	Duties []Duty
}

// RaftTransport is what raft needs of a network.
type RaftTransport interface {
	raft.Transport
	raft.WithPreVote
}

// Duty is something that the leader does as long as it leads. Run ends when ctx does; when it returns
// before, it is started again after a pause.
type Duty struct {
	Name string
	Run  func(ctx context.Context) error
}

// EnsureDefaults sets what is unset.
func (c *Config) EnsureDefaults() {
	if c.Region == "" {
		c.Region = api.DefaultRegion
	}
	if c.Datacenter == "" {
		c.Datacenter = "dc1"
	}
	c.RaftSettings.ensureDefaults()
}

func (c *RaftSettings) ensureDefaults() {
	if c.RaftMultiplier == 0 {
		c.RaftMultiplier = 1
	}
	if c.SnapshotThreshold == 0 {
		c.SnapshotThreshold = 8192
	}
	if c.SnapshotInterval == 0 {
		c.SnapshotInterval = 120 * time.Second
	}
	if c.TrailingLogs == 0 {
		c.TrailingLogs = 10240
	}
}

// Validate returns all that is wrong with the configuration.
func (c *Config) Validate() error {
	var errs []error
	if c.Name == "" {
		errs = append(errs, errors.New("name is missing"))
	}
	if c.BootstrapExpect < 0 {
		errs = append(errs, fmt.Errorf("bootstrap_expect: %d is negative", c.BootstrapExpect))
	}
	if c.RaftMultiplier < 1 || c.RaftMultiplier > 10 {
		errs = append(errs, fmt.Errorf("raft_multiplier: %d is not between 1 and 10", c.RaftMultiplier))
	}
	if c.SnapshotInterval <= 5*time.Millisecond {
		errs = append(errs, fmt.Errorf("raft_snapshot_interval: %s is not above 5ms", c.SnapshotInterval))
	}
	switch len(c.EncryptKey) {
	case 0, 16, 24, 32:
	default:
		errs = append(errs, fmt.Errorf("encrypt: the key has %d bytes, it must have 16, 24 or 32", len(c.EncryptKey)))
	}
	if _, _, err := hostPort(c.RPCAdvertise); err != nil {
		errs = append(errs, fmt.Errorf("advertised RPC address: %w", err))
	}
	if _, _, err := hostPort(c.SerfBind); err != nil {
		errs = append(errs, fmt.Errorf("gossip address: %w", err))
	}
	if c.SerfAdvertise != "" {
		if _, _, err := hostPort(c.SerfAdvertise); err != nil {
			errs = append(errs, fmt.Errorf("advertised gossip address: %w", err))
		}
	}
	return errors.Join(errs...)
}

func hostPort(addr string) (string, int, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("address %s: %q is no port", addr, text)
	}
	return host, port, nil
}
