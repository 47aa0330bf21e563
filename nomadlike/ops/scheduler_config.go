// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) schedulerConfigHandlers(set *opset.Set) {
	handleRead(e, set, api.SchedulerConfigGet, func(tx *readTx, _ *api.OperatorReadRequest) (*api.SchedulerConfigurationResponse, error) {
		return &api.SchedulerConfigurationResponse{SchedulerConfig: state.SchedulerConfig.Current(tx)}, nil
	})
	handleWrite(set, api.SchedulerConfigSet, e.schedulerConfigSet)
}

func (e *Env) schedulerConfigSet(ctx context.Context, r *api.SchedulerSetRequest) (*api.SchedulerSetConfigurationResponse, error) {
	if r.Config == nil {
		return nil, api.Errorf(api.ClassInvalid, "missing scheduler configuration")
	}
	if err := r.Config.Validate(); err != nil {
		return nil, api.Errorf(api.ClassInvalid, "%s", err)
	}
	cas, index, err := casIndex(r.CAS)
	if err != nil {
		return nil, err
	}
	config := *r.Config
	config.ModifyIndex = index
	updated, at, err := e.Raft.Apply(ctx, fsm.SchedulerConfigSet.Encode(&fsm.SchedulerConfigSetRequest{Config: &config, CAS: cas}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, at)
	return &api.SchedulerSetConfigurationResponse{Updated: updated == true}, nil
}

// casIndex reads the parameter cas: whether it was given, and the index it names.
func casIndex(text string) (given bool, index uint64, err error) {
	if text == "" {
		return false, 0, nil
	}
	index, err = strconv.ParseUint(text, 10, 64)
	if err != nil {
		return false, 0, api.Errorf(api.ClassInvalid, "Error parsing cas value: %s", err)
	}
	return true, index, nil
}

// admitsJobs refuses registration, dispatch and scaling of jobs while the scheduler configuration does. Only
// management tokens are exempt, and without access control there are none.
func admitsJobs(r state.Reader) error {
	if state.SchedulerConfig.Current(r).RejectJobRegistration {
		return api.Errorf(api.ClassDenied, "Job registration, dispatch, and scale are disabled by the scheduler configuration")
	}
	return nil
}
