// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) autopilotHandlers(set *opset.Set) {
	handleRead(e, set, api.AutopilotGet, func(tx *readTx, _ *api.OperatorReadRequest) (*api.AutopilotConfiguration, error) {
		return state.AutopilotConfig.Current(tx), nil
	})
	handleWrite(set, api.AutopilotSet, e.autopilotSet)
	opset.Handle(set, api.AutopilotHealth, func(context.Context, *api.OperatorReadRequest) (*api.OperatorHealthReply, error) {
		return e.Raft.Health()
	})
	opset.Handle(set, api.RaftStatsGet, func(context.Context, *api.AgentRequest) (*api.RaftStats, error) {
		return e.Raft.RaftStats()
	})
}

func (e *Env) autopilotSet(ctx context.Context, r *api.AutopilotSetRequest) (bool, error) {
	if r.Config == nil {
		return false, api.Errorf(api.ClassInvalid, "missing autopilot configuration")
	}
	config := *r.Config
	config.Canonicalize()
	if err := config.Validate(); err != nil {
		return false, api.Errorf(api.ClassInvalid, "Error parsing autopilot config: %s", err)
	}
	cas, index, err := casIndex(r.CAS)
	if err != nil {
		return false, err
	}
	config.ModifyIndex = index
	updated, at, err := e.Raft.Apply(ctx, fsm.AutopilotConfigSet.Encode(&fsm.AutopilotConfigSetRequest{Config: &config, CAS: cas}))
	if err != nil {
		return false, err
	}
	setIndex(ctx, at)
	return updated == true, nil
}
