// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"slices"
	"strings"

	"github.com/hashicorp/go-version"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// identityVersion is the first version whose clients can use workload identities with Vault.
var identityVersion = version.Must(version.NewVersion("1.7.0"))

func (e *Env) upgradeCheckHandlers(set *opset.Set) {
	handleRead(e, set, api.UpgradeCheckVault, func(tx *readTx, _ *api.OperatorReadRequest) (*api.UpgradeCheckVaultResponse, error) {
		resp := &api.UpgradeCheckVaultResponse{JobsWithoutVaultIdentity: []*api.JobListStub{}, OutdatedNodes: []*api.NodeListStub{}}
		for j := range state.Jobs.All(tx) {
			if usesVaultWithoutIdentity(j) {
				resp.JobsWithoutVaultIdentity = append(resp.JobsWithoutVaultIdentity, jobStub(j, nil, false))
			}
		}
		for n := range state.Nodes.All(tx) {
			if v, err := version.NewVersion(n.Attributes["nomad.version"]); err != nil || v.LessThan(identityVersion) {
				resp.OutdatedNodes = append(resp.OutdatedNodes, nodeStub(n, false, false))
			}
		}
		return resp, nil
	})
}

func usesVaultWithoutIdentity(j *api.Job) bool {
	for _, g := range j.TaskGroups {
		for _, t := range g.Tasks {
			if t.Vault != nil && !slices.ContainsFunc(t.Identities, func(w *api.WorkloadIdentity) bool { return strings.HasPrefix(w.Name, "vault_") }) {
				return true
			}
		}
	}
	return false
}
