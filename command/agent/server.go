// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/rpc"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/internal/version"
	"github.com/nomadlike/nomadlike/nomadlike"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/nomadlike/control"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
)

// serverRole is the server of an agent with what hangs on it.
type serverRole struct {
	agent    *Agent
	srv      *nomadlike.Server
	rpc      *rpc.Server
	lis      net.Listener
	nodes    *rpc.NodeConns
	evals    *broker.Service
	env      *ops.Env
	handlers *opset.Set
}

func newServerRole(a *Agent) (*serverRole, error) {
	r := &serverRole{agent: a}
	lis, err := listen("rpc", hosts(a.cfg.Addresses.RPC), a.cfg.Ports.RPC)
	if err != nil {
		return nil, err
	}
	r.lis = newConnLimiter(lis, api.Or(a.cfg.Limits.RPCMaxConnsPerClient, defaultMaxConns), "")
	r.nodes = rpc.NewNodeConns(func(nodeID, secret string) error { return r.env.VerifyNode(nodeID, secret) })
	r.nodes.Timing = a.pool.Timing
	r.rpc = rpc.NewServer(r.lis, rpc.ServerConfig{
		Caller: a, Nodes: r.nodes, HandshakeTimeout: a.cfg.Limits.RPCHandshakeTimeout, Logger: a.deps.Log,
	})
	adv, err := net.ResolveTCPAddr("tcp", a.cfg.Advertise.RPC)
	if err != nil {
		r.close()
		return nil, fmt.Errorf("advertise.rpc: %w", err)
	}
	serf, err := net.ResolveTCPAddr("tcp", a.cfg.Advertise.Serf)
	if err != nil {
		r.close()
		return nil, fmt.Errorf("advertise.serf: %w", err)
	}
	r.srv, err = nomadlike.New(r.config(adv.String(), serf.String()), nomadlike.Deps{
		Logger: a.deps.Log, Metrics: a.metricsSink(), RaftLayer: r.rpc.RaftLayer(adv), PeersOf: r.peersOf, StatsOf: r.statsOf,
	})
	if err != nil {
		r.close()
		return nil, err
	}
	r.compose()
	return r, nil
}

func (r *serverRole) config(rpcAdvertise, serfAdvertise string) nomadlike.Config {
	c := r.agent.cfg
	s := &c.Server
	cfg := nomadlike.Config{
		Name: c.Name, Region: c.Region, Datacenter: c.Datacenter, Build: version.CompatVersion, Revision: version.Revision(),
		BootstrapExpect: s.BootstrapExpect, RPCAdvertise: rpcAdvertise,
		SerfBind:      net.JoinHostPort(hosts(c.Addresses.Serf)[0], strconv.Itoa(c.Ports.Serf)),
		SerfMoreHosts: hosts(c.Addresses.Serf)[1:],
		SerfAdvertise: serfAdvertise,
		DataDir:       s.DataDir, // of a dev agent there is none unless it is told
	}
	value(&cfg.EventBufferSize, s.EventBufferSize)
	if s.EnableEventBroker != nil && !*s.EnableEventBroker {
		cfg.EventBufferSize = -1
	}
	cfg.RaftSettings = s.raft()
	if f := s.RaftBoltDB; f != nil {
		cfg.NoFreelistSync = f.NoFreelistSync
	}
	if l := s.RaftLogStore; l != nil {
		cfg.NoFreelistSync, cfg.DisableLogCache = l.BoltDB.NoFreelistSync, l.DisableLogCache
	}
	cfg.RejoinAfterLeave = s.RejoinAfterLeave
	if s.Encrypt != "" {
		cfg.EncryptKey, _ = base64.StdEncoding.DecodeString(s.Encrypt) // it was validated
	}
	cfg.SchedulerConfig = s.DefaultSchedulerConfig.start()
	cfg.AutopilotConfig = c.Autopilot.start()
	return cfg
}

// raft returns the settings of raft that a reload may change.
func (s *ServerConfig) raft() nomadlike.RaftSettings {
	var r nomadlike.RaftSettings
	value(&r.RaftMultiplier, s.RaftMultiplier)
	value(&r.SnapshotInterval, s.RaftSnapshotInterval)
	if s.RaftSnapshotThreshold != nil {
		r.SnapshotThreshold = uint64(*s.RaftSnapshotThreshold)
	}
	if s.RaftTrailingLogs != nil {
		r.TrailingLogs = uint64(*s.RaftTrailingLogs)
	}
	return r
}

// workers returns how evaluations are scheduled.
func (s *ServerConfig) workers() broker.WorkerConfig {
	c := broker.WorkerConfig{Num: runtime.NumCPU(), Kinds: broker.AllKinds()}
	value(&c.Num, s.NumSchedulers)
	if len(s.EnabledSchedulers) > 0 {
		c.Kinds = slices.DeleteFunc(slices.Clone(s.EnabledSchedulers), func(k string) bool { return k == schedulerCore })
	}
	return c
}

// start is the scheduler configuration of a new cluster, nil for the default.
func (d *SchedulerConfig) start() *api.SchedulerConfiguration {
	if d == nil {
		return nil
	}
	p := &d.Preemption
	return &api.SchedulerConfiguration{
		SchedulerAlgorithm: cmp.Or(d.SchedulerAlgorithm, api.AlgorithmBinpack), MemoryOversubscriptionEnabled: d.MemoryOversubscriptionEnabled,
		RejectJobRegistration: d.RejectJobRegistration, PauseEvalBroker: d.PauseEvalBroker,
		NodeLimitForFeasibilityChecks: d.NodeLimit,
		PreemptionConfig: api.PreemptionConfig{
			SystemSchedulerEnabled: api.Or(p.SystemSchedulerEnabled, true), SysBatchSchedulerEnabled: p.SysBatchSchedulerEnabled,
			BatchSchedulerEnabled: p.BatchSchedulerEnabled, ServiceSchedulerEnabled: p.ServiceSchedulerEnabled,
		},
	}
}

// start is the autopilot configuration of a new cluster.
func (p *AutopilotConfig) start() *api.AutopilotConfiguration {
	c := api.DefaultAutopilotConfiguration()
	value(&c.CleanupDeadServers, p.CleanupDeadServers)
	value(&c.MinQuorum, p.MinQuorum)
	if n := p.MaxTrailingLogs; n != nil {
		c.MaxTrailingLogs = uint64(max(*n, 0))
	}
	if d := p.LastContactThreshold; d != nil {
		c.LastContactThreshold = d.String()
	}
	if d := p.ServerStabilizationTime; d != nil {
		c.ServerStabilizationTime = d.String()
	}
	return c
}

// value sets dst when the setting was given.
func value[T any](dst *T, set *T) {
	if set != nil {
		*dst = *set
	}
}

// positive is value for settings of which 0 stands for the default.
func positive[T time.Duration | float64](dst *T, set *T) {
	if set != nil && *set > 0 {
		*dst = *set
	}
}

// compose hangs the evaluation machinery, the controllers and the handlers on the server.
func (r *serverRole) compose() {
	a, s := r.agent, &r.agent.cfg.Server
	log, sink := a.deps.Log, a.metricsSink()
	evals := broker.New(broker.ServiceConfig{
		Store: r.srv.Store(), Raft: r.srv, Logger: log, Metrics: sink,
		Rejections: broker.RejectionConfig{
			Enabled: api.Or(s.PlanRejectionTracker.Enabled, false), Threshold: s.PlanRejectionTracker.NodeThreshold, Window: s.PlanRejectionTracker.NodeWindow,
		},
	})
	evals.SetWorkers(s.workers())
	r.evals = evals
	r.srv.Store().Subscribe(evals.Observe)

	beats := control.DefaultHeartbeats()
	positive(&beats.Grace, s.HeartbeatGrace)
	positive(&beats.MinTTL, s.MinHeartbeatTTL)
	positive(&beats.FailoverTTL, s.FailoverHeartbeatTTL)
	positive(&beats.MaxPerSecond, s.MaxHeartbeatsPerSecond)
	heartbeats := control.NewHeartbeats(beats, r.srv.Store(), r.srv, log, sink)

	gcc := control.DefaultGC()
	positive(&gcc.JobInterval, s.JobGCInterval)
	value(&gcc.JobThreshold, s.JobGCThreshold)
	value(&gcc.EvalThreshold, s.EvalGCThreshold)
	value(&gcc.BatchEvalThreshold, s.BatchEvalGCThreshold)
	value(&gcc.NodeThreshold, s.NodeGCThreshold)
	value(&gcc.DeploymentThreshold, s.DeploymentGCThreshold)
	gc := control.NewGC(gcc, r.srv.Store(), r.srv, log)
	upkeep := control.NewEvals(evals, r.srv.Store(), r.srv, log, sink)

	r.srv.AddDuty(nomadlike.Duty{Name: "scheduling", Run: evals.Run})
	r.srv.AddDuty(nomadlike.Duty{Name: "heartbeats", Run: heartbeats.Run})
	tracked := 0
	value(&tracked, s.JobTrackedVersions)
	deployments := control.NewDeployments(r.srv.Store(), r.srv, tracked, log)
	r.srv.Store().Subscribe(deployments.Observe)

	drains := control.NewDrains(r.srv.Store(), r.srv, log)
	r.srv.Store().Subscribe(drains.Observe)

	r.srv.AddDuty(nomadlike.Duty{Name: "deployments", Run: deployments.Run})
	r.srv.AddDuty(nomadlike.Duty{Name: "drains", Run: drains.Run})
	r.srv.AddDuty(nomadlike.Duty{Name: "evaluation upkeep", Run: upkeep.Run})
	jobMetrics := control.NewJobMetrics(r.srv.Store(), !a.cfg.Telemetry.DisableDispatchedJobSummaryMetrics, a.telemetry.sent)
	a.telemetry.asked = jobMetrics.Write
	r.srv.AddDuty(nomadlike.Duty{Name: "job metrics", Run: jobMetrics.Run})
	r.srv.AddDuty(nomadlike.Duty{Name: "garbage collection", Run: gc.Run})
	r.srv.AddDuty(nomadlike.Duty{Name: "periodic jobs", Run: control.NewPeriodic(r.srv.Store(), r.srv, log).Run})
	if from := s.AuthoritativeRegion; from != "" && from != a.cfg.Region {
		r.srv.AddDuty(nomadlike.Duty{Name: "replication", Run: control.NewReplicator(from, a, r.srv.Store(), r.srv, log).Run})
	}

	maxSource, _ := parseSize(s.JobMaxSourceSize) // it was validated
	priority := api.JobDefaultPriority
	value(&priority, s.JobDefaultPriority)
	r.env = &ops.Env{
		DefaultPriority: priority, Authoritative: s.AuthoritativeRegion, Agents: a,
		Search: ops.SearchLimits{
			Disabled: s.Search.FuzzyEnabled != nil && !*s.Search.FuzzyEnabled,
			Query:    s.Search.LimitQuery, Results: s.Search.LimitResults, MinTerm: s.Search.MinTermLength,
		},
		Region: a.cfg.Region, Datacenter: a.cfg.Datacenter, Limits: a.limits(), MaxSource: maxSource, TrackedVersions: tracked,
		Store: r.srv.Store(), Raft: r.srv, Heartbeats: heartbeats, NodeEvals: control.NodeEvals, Collector: gc,
		Members: members{r.srv}, Snapshots: snapshots{r.srv}, Events: r.srv.Events(), ServerAddrs: r.srv.ServerAddresses, Logger: log, Now: time.Now,
	}
	r.handlers = r.env.Handlers()
}

// members tells the agent endpoints of the gossip, which there is none of before the server runs.
type members struct{ *nomadlike.Server }

// Members lists the servers.
func (m members) Members() []*api.Member {
	if g := m.Server.Members(); g != nil {
		return g.Members()
	}
	return []*api.Member{}
}

// snapshots saves and restores the server's state.
type snapshots struct{ srv *nomadlike.Server }

// Save returns an archive of the state and its digest.
func (s snapshots) Save(ctx context.Context, consistent bool) (io.ReadCloser, string, error) {
	a, err := s.srv.SaveSnapshot(ctx, consistent)
	if err != nil {
		return nil, "", err
	}
	return a, a.Digest, nil
}

// Restore replaces the state.
func (s snapshots) Restore(archive io.Reader) error { return s.srv.RestoreSnapshot(archive) }

// peersOf asks a server for the raft peers that it knows.
func (r *serverRole) peersOf(ctx context.Context, addr string) ([]string, error) {
	c, err := r.agent.pool.Caller(addr)
	if err != nil {
		return nil, err
	}
	req := &api.AgentRequest{}
	req.AllowStale = true
	peers, _, err := api.StatusPeers.Call(ctx, c, req)
	return peers, err
}

// statsOf asks a server how far its raft log is.
func (r *serverRole) statsOf(ctx context.Context, addr string) (*api.RaftStats, error) {
	c, err := r.agent.pool.Caller(addr)
	if err != nil {
		return nil, err
	}
	req := &api.AgentRequest{}
	req.AllowStale = true
	stats, _, err := api.RaftStatsGet.Call(ctx, c, req)
	return stats, err
}

// run adds the server's parts to the group; they end with ctx, not with the group.
func (r *serverRole) run(g *run.Group, ctx context.Context) {
	g.Go("rpc", func(context.Context) error { return r.rpc.Run(ctx) })
	g.Go("server", func(context.Context) error { return r.srv.Run(ctx) })
	join := r.agent.cfg.Server.ServerJoin
	switch {
	case len(join.StartJoin) > 0:
		g.Go("join", func(gctx context.Context) error { return r.startJoin(gctx, join.StartJoin) })
	case len(join.RetryJoin) > 0:
		g.Go("join", func(gctx context.Context) error { return r.retryJoin(gctx, join) })
	case !r.agent.cfg.Dev && r.agent.cfg.Server.BootstrapExpect == 0:
		r.agent.log.Warn("this server waits until it is joined to others with server join; set bootstrap_expect = 1 for a single server, or server_join for a cluster")
	}
	switch n := r.agent.cfg.Server.BootstrapExpect; {
	case r.agent.cfg.Dev:
	case n == 1:
		r.agent.log.Warn("bootstrap_expect is 1: this server begins a cluster of its own when it finds no other, and one server has no replacement")
	case n > 1 && n%2 == 0:
		r.agent.log.Warn("bootstrap_expect is even: that many servers survive no more failures than one server less", "bootstrap_expect", n)
	}
}

// join contacts servers once.
func (r *serverRole) join(ctx context.Context, addrs []string) error {
	found, err := findServers(ctx, addrs, defaultSerfPort)
	if len(found) == 0 {
		return err
	}
	if err != nil {
		r.agent.logger.Warn("some addresses to join are not known", "error", err)
	}
	n, err := r.srv.Join(found)
	if err == nil {
		r.agent.logger.Info("joined the cluster", "servers", n)
	}
	return err
}

// startJoin joins the cluster or fails.
func (r *serverRole) startJoin(ctx context.Context, addrs []string) error {
	select {
	case <-r.srv.Started():
	case <-ctx.Done():
		return nil
	}
	if err := r.join(ctx, addrs); err != nil && ctx.Err() == nil {
		return fmt.Errorf("join the cluster (server_join.start_join; retry_join tries again): %w", err)
	}
	<-ctx.Done()
	return nil
}

// retryJoin tries to join the cluster until it works.
func (r *serverRole) retryJoin(ctx context.Context, join ServerJoin) error {
	select {
	case <-r.srv.Started():
	case <-ctx.Done():
		return nil
	}
	for try := 1; ; try++ {
		err := r.join(ctx, join.RetryJoin)
		if err == nil {
			<-ctx.Done()
			return nil
		}
		r.agent.logger.Warn("could not join the cluster", "attempt", try, "error", err)
		if join.RetryMax > 0 && try >= join.RetryMax {
			return fmt.Errorf("join the cluster, after %d attempts (server_join.retry_max): %w", try, err)
		}
		select {
		case <-time.After(join.RetryInterval):
		case <-ctx.Done():
			return nil
		}
	}
}

// leave takes the server out of the gossip and the raft peers.
func (r *serverRole) leave(ctx context.Context) error { return r.srv.Leave(ctx) }

func (r *serverRole) close() {
	if r.lis != nil {
		r.lis.Close()
	}
}
