// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// SchedulerConfigSetRequest stores the scheduler configuration.
type SchedulerConfigSetRequest struct {
	Config *api.SchedulerConfiguration
	// CAS makes the write depend on Config.ModifyIndex being that of the stored configuration, 0 for none.
	CAS bool
}

// SchedulerConfigSet answers whether the configuration was stored, as a bool.
var SchedulerConfigSet = Define(80, "SchedulerConfigSet", func(w *state.WriteTx, p *SchedulerConfigSetRequest) (any, error) {
	if p.Config == nil {
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "scheduler configuration is missing")
	}
	if p.CAS {
		var have uint64
		if old := state.SchedulerConfig.Get(w); old != nil {
			have = old.ModifyIndex
		}
		if have != p.Config.ModifyIndex {
			return false, nil
		}
	}
	state.SchedulerConfig.Put(w, p.Config)
	return true, nil
})

// AutopilotConfigSetRequest stores the autopilot configuration.
type AutopilotConfigSetRequest struct {
	Config *api.AutopilotConfiguration
	// CAS makes the write depend on Config.ModifyIndex being that of the stored configuration, 0 for none.
	CAS bool
}

// AutopilotConfigSet answers whether the configuration was stored, as a bool.
var AutopilotConfigSet = Define(82, "AutopilotConfigSet", func(w *state.WriteTx, p *AutopilotConfigSetRequest) (any, error) {
	if p.Config == nil {
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "autopilot configuration is missing")
	}
	if p.CAS {
		var have uint64
		if old := state.AutopilotConfig.Get(w); old != nil {
			have = old.ModifyIndex
		}
		if have != p.Config.ModifyIndex {
			return false, nil
		}
	}
	state.AutopilotConfig.Put(w, p.Config)
	return true, nil
})

// ClusterInitRequest gives a new cluster its identity.
type ClusterInitRequest struct {
	ClusterID string
	// CreateTime is in unix nanoseconds.
	CreateTime int64
}

// ClusterInit answers with the cluster's *state.ClusterMeta; the first identity stays.
var ClusterInit = Define(81, "ClusterInit", func(w *state.WriteTx, p *ClusterInitRequest) (any, error) {
	if old := state.Cluster.Get(w); old != nil {
		return old, nil
	}
	c := &state.ClusterMeta{ClusterID: p.ClusterID, CreateTime: p.CreateTime}
	state.Cluster.Put(w, c)
	return c, nil
})

// ClusterRestoredRequest notes that the state was replaced by that of a snapshot.
type ClusterRestoredRequest struct {
	// Time is in unix nanoseconds, and above that of the restore before.
	Time int64
}

// ClusterRestored answers nothing.
var ClusterRestored = Define(83, "ClusterRestored", func(w *state.WriteTx, p *ClusterRestoredRequest) (any, error) {
	if old := state.Cluster.Get(w); old != nil {
		c := *old
		c.RestoreTime = p.Time
		state.Cluster.Put(w, &c)
	}
	return nil, nil
})
