// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// The bounds of agent-config.md 3.
const (
	mostRaftMultiplier    = 10
	leastSnapshotInterval = 5 * time.Millisecond
	leastDefaultPriority  = 50
	leastMaxPriority      = 100
	mostMaxPriority       = 32766
)

// validate says everything that is wrong with the block of a server that runs.
func (s *ServerConfig) validate() error {
	errs := []error{s.ServerJoin.validate("server")}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("server."+format, args...))
		}
	}
	check(s.DataDir == "" || filepath.IsAbs(s.DataDir), "data_dir: %q is not an absolute path", s.DataDir)
	if n := s.RaftMultiplier; n != nil {
		check(*n >= 1 && *n <= mostRaftMultiplier, "raft_multiplier: %d is not between 1 and %d", *n, mostRaftMultiplier)
	}
	if d := s.RaftSnapshotInterval; d != nil {
		check(*d > leastSnapshotInterval, "raft_snapshot_interval: %s is not above %s", *d, leastSnapshotInterval)
	}
	if err := s.workers().Validate(); err != nil {
		errs = append(errs, fmt.Errorf("server.num_schedulers, server.enabled_schedulers: %w", err))
	}
	most, usual := api.DefaultLimits().MaxPriority, api.JobDefaultPriority
	value(&most, s.JobMaxPriority)
	value(&usual, s.JobDefaultPriority)
	check(most >= leastMaxPriority && most <= mostMaxPriority, "job_max_priority: %d is not between %d and %d", most, leastMaxPriority, mostMaxPriority)
	check(usual >= leastDefaultPriority && usual < most, "job_default_priority: %d is not between %d and one less than job_max_priority, %d", usual, leastDefaultPriority, most-1)
	check(s.JobTrackedVersions == nil || *s.JobTrackedVersions > 0, "job_tracked_versions must be above 0")
	for _, n := range []struct {
		key string
		n   *int
	}{
		{"raft_snapshot_threshold", s.RaftSnapshotThreshold},
		{"raft_trailing_logs", s.RaftTrailingLogs},
		{"event_buffer_size", s.EventBufferSize},
		{"job_max_count", s.JobMaxCount},
		{"plan_rejection_tracker.node_threshold", &s.PlanRejectionTracker.NodeThreshold},
		{"search.limit_query", &s.Search.LimitQuery},
		{"search.limit_results", &s.Search.LimitResults},
		{"search.min_term_length", &s.Search.MinTermLength},
	} {
		check(n.n == nil || *n.n >= 0, "%s must not be negative", n.key)
	}
	for _, d := range []struct {
		key string
		d   *time.Duration
	}{
		{"node_gc_threshold", s.NodeGCThreshold},
		{"job_gc_interval", s.JobGCInterval},
		{"job_gc_threshold", s.JobGCThreshold},
		{"eval_gc_threshold", s.EvalGCThreshold},
		{"batch_eval_gc_threshold", s.BatchEvalGCThreshold},
		{"deployment_gc_threshold", s.DeploymentGCThreshold},
		{"heartbeat_grace", s.HeartbeatGrace},
		{"min_heartbeat_ttl", s.MinHeartbeatTTL},
		{"failover_heartbeat_ttl", s.FailoverHeartbeatTTL},
		{"plan_rejection_tracker.node_window", &s.PlanRejectionTracker.NodeWindow},
	} {
		check(d.d == nil || *d.d >= 0, "%s must not be negative", d.key)
	}
	check(s.MaxHeartbeatsPerSecond == nil || *s.MaxHeartbeatsPerSecond >= 0, "max_heartbeats_per_second must not be negative")
	if d := s.DefaultSchedulerConfig; d != nil {
		check(slices.Contains([]string{"", api.AlgorithmBinpack, api.AlgorithmSpread}, d.SchedulerAlgorithm), "default_scheduler_config.scheduler_algorithm: unknown algorithm %q", d.SchedulerAlgorithm)
		check(d.NodeLimit >= 0, "default_scheduler_config.node_limit_for_feasibility_checks must not be negative")
	}
	return errors.Join(errs...)
}
