// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// allocMigration tells a node where the data of the allocation is that one of its own replaces. The answer
// has a token only for who may have the data.
func (e *Env) allocMigration(tx *readTx, r *api.MigrationRequest) (*api.Migration, error) {
	if _, err := e.verifyNode(tx.Unrecorded(), r.NodeID, r.SecretID); err != nil {
		return nil, err
	}
	a := state.Allocs.Get(tx.Unrecorded(), r.AllocID)
	if a == nil || a.NodeID != r.NodeID {
		return nil, notFound("allocation not found")
	}
	group := a.Group()
	if a.PreviousAllocation == "" || group == nil || group.EphemeralDisk == nil || !group.EphemeralDisk.Migrate {
		return nil, api.Errorf(api.ClassInvalid, "allocation %s does not take over the data of another", a.ID)
	}
	prev := state.Allocs.Get(tx, a.PreviousAllocation)
	if prev == nil {
		return &api.Migration{Lost: true}, nil
	}
	out := &api.Migration{AllocID: prev.ID, Ended: prev.ClientTerminalStatus()}
	node := state.Nodes.Get(tx, prev.NodeID)
	if node == nil || node.Status == api.NodeStatusDown || prev.ClientStatus == api.AllocClientLost || node.HTTPAddr == "" {
		out.Lost = true
		return out, nil
	}
	out.Address, out.TLSEnabled = node.HTTPAddr, node.TLSEnabled
	if out.Ended {
		out.Token = api.MigrateToken(prev.ID, node.SecretID, e.Now())
	}
	return out, nil
}
