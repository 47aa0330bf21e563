// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"context"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// deposed is the raft of a server that has been replaced as the leader and finds out when it asks.
type deposed struct{ ops.Consensus }

var errDeposed = api.Errorf(api.ClassNoLeader, "server is not the leader")

func (deposed) Barrier(context.Context) error { return errDeposed }

func (deposed) Apply(context.Context, []byte) (any, uint64, error) { return nil, 0, errDeposed }

// A leader that was replaced while it was stopped has an old state: what it finds nothing to do for may be there by now, so
// that it must not be taken for done, and a client must not end what that state does not have.
func TestDeposedLeader(t *testing.T) {
	store := state.New()
	env := &ops.Env{Region: "global", Limits: api.DefaultLimits(), Store: store, Raft: deposed{}}
	set := env.Handlers()
	node := api.NewID()
	w := store.Begin(10, "NodeRegister")
	state.Nodes.Put(w, &api.Node{ID: node, SecretID: "secret", SchedulingEligibility: api.NodeEligible, Status: api.NodeStatusReady})
	w.Commit()
	for name, req := range map[string]api.Request{
		api.AllocUpdate.Info().Name: &api.AllocUpdateRequest{
			NodeID: node, SecretID: "secret", Allocs: []*api.Allocation{{ID: "a", ClientStatus: api.AllocClientComplete}},
		},
		api.ServiceSync.Info().Name:        &api.ServiceSyncRequest{NodeID: node, SecretID: "secret", Allocs: []*api.AllocServiceSet{{AllocID: "a"}}},
		api.JobDeregister.Info().Name:      &api.JobDeregisterRequest{JobID: "job"},
		api.NodeEligibilitySet.Info().Name: &api.NodeEligibilityRequest{NodeID: node, Eligibility: api.NodeEligible},
		api.NodeAllocsWatch.Info().Name:    &api.NodeAllocsRequest{NodeID: node, SecretID: "secret"},
		api.AllocFetch.Info().Name:         &api.AllocFetchRequest{NodeID: node, SecretID: "secret", AllocIDs: []string{"a"}},
	} {
		if resp, err := set.Unary(name)(t.Context(), req); !api.IsClass(err, api.ClassNoLeader) {
			t.Errorf("%s: got %+v, %v; want that there is no leader here", name, resp, err)
		}
	}
}
