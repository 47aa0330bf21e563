// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

func (e *Env) statusHandlers(set *opset.Set) {
	opset.Handle(set, api.StatusLeader, func(context.Context, *api.AgentRequest) (string, error) {
		addr, _ := e.Raft.Leader()
		return addr, nil
	})
	opset.Handle(set, api.StatusPeers, func(context.Context, *api.AgentRequest) ([]string, error) {
		return e.Raft.PeerAddresses(), nil
	})
	opset.Handle(set, api.RegionList, func(context.Context, *api.AgentRequest) ([]string, error) {
		return e.Members.Regions(), nil
	})
	opset.Handle(set, api.AgentMembers, func(context.Context, *api.AgentRequest) (*api.ServerMembers, error) {
		return &api.ServerMembers{
			ServerName: strings.TrimSuffix(e.Members.ServerName(), "."+e.Region), ServerRegion: e.Region, ServerDC: e.Datacenter, Members: e.Members.Members(),
		}, nil
	})
	handleWrite(set, api.SystemGC, func(ctx context.Context, _ *api.SystemWriteRequest) (api.Empty, error) {
		return api.Empty{}, e.Collector.Force(ctx)
	})
	handleWrite(set, api.SystemReconcile, func(ctx context.Context, _ *api.SystemWriteRequest) (api.Empty, error) {
		_, index, err := e.Raft.Apply(ctx, fsm.SummariesReconcile.Encode(&fsm.SummariesReconcileRequest{}))
		setIndex(ctx, index)
		return api.Empty{}, err
	})
}
