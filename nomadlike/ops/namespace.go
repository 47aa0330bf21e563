// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) namespaceHandlers(set *opset.Set) {
	handleRead(e, set, api.NamespaceList, namespaceList)
	handleRead(e, set, api.NamespaceGet, namespaceGet)
	handleWrite(set, api.NamespaceApply, e.namespaceApply)
	handleWrite(set, api.NamespaceDelete, e.namespaceDelete)
}

func namespaceList(tx *readTx, r *api.NamespaceListRequest) ([]*api.Namespace, error) {
	rows := state.Namespaces.All(tx)
	if r.Prefix != "" {
		rows = state.Namespaces.Prefix(tx, r.Prefix)
	}
	out := []*api.Namespace{}
	for n := range rows {
		out = append(out, n)
	}
	return out, nil
}

func namespaceGet(tx *readTx, r *api.NamespaceRequest) (*api.Namespace, error) {
	n := state.Namespaces.Get(tx, r.Name)
	if n == nil {
		return nil, notFound("Namespace not found")
	}
	return n, nil
}

func (e *Env) namespaceApply(ctx context.Context, r *api.NamespaceApplyRequest) (api.Empty, error) {
	none := api.Empty{}
	n := r.Object
	if n == nil {
		return none, api.Errorf(api.ClassInvalid, "missing namespace in the request body")
	}
	if n.Name == "" {
		n.Name = r.PathName
	}
	if r.PathName != "" && n.Name != r.PathName {
		return none, api.Errorf(api.ClassInvalid, "Namespace name does not match request path")
	}
	if err := n.Validate(); err != nil {
		return none, refused("Invalid namespace %q: %v", n.Name, err)
	}
	n.SetHash()
	_, index, err := e.Raft.Apply(ctx, fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{n}}))
	setIndex(ctx, index)
	return none, err
}

func (e *Env) namespaceDelete(ctx context.Context, r *api.NamespaceDeleteRequest) (api.Empty, error) {
	none := api.Empty{}
	if r.Name == api.DefaultNamespace {
		return none, refused("can not delete default namespace")
	}
	snap := e.Store.Snapshot()
	if state.Namespaces.Get(snap, r.Name) == nil {
		return none, refused("namespace not found")
	}
	problems := &jobProblems{}
	for _, use := range []struct {
		what   string
		local  func() bool
		remote func(context.Context, string) (bool, error)
	}{
		{
			"non-terminal jobs", func() bool { return namespaceHasJobs(snap, r.Name) },
			func(ctx context.Context, region string) (bool, error) {
				jobs, _, err := api.JobList.Call(ctx, e.Agents, &api.JobListRequest{ReadOptions: probe(&r.RequestOptions, region, r.Name, liveJobs)})
				return len(jobs) > 0, err
			},
		},
		{
			"non-terminal allocations", func() bool { return namespaceHasAllocs(snap, r.Name) },
			func(ctx context.Context, region string) (bool, error) {
				allocs, _, err := api.AllocList.Call(ctx, e.Agents, &api.AllocListRequest{ReadOptions: probe(&r.RequestOptions, region, r.Name, liveAllocs)})
				return len(allocs) > 0, err
			},
		},
	} {
		regions, err := e.usedIn(ctx, use.local, use.remote)
		if err != nil {
			return none, err
		}
		if len(regions) > 0 {
			problems.add("namespace %q has %s in regions: %v", r.Name, use.what, regions)
		}
	}
	if err := problems.err(); err != nil {
		return none, err
	}
	_, index, err := e.Raft.Apply(ctx, fsm.NamespaceDelete.Encode(&fsm.NamespaceDeleteRequest{Names: []string{r.Name}}))
	setIndex(ctx, index)
	return none, err
}

func namespaceHasJobs(s *state.Snapshot, name string) bool {
	for j := range state.Jobs.Prefix(s, name, "") {
		if j.Status != api.JobStatusDead {
			return true
		}
	}
	return false
}

func namespaceHasAllocs(s *state.Snapshot, name string) bool {
	for a := range state.Allocs.All(s) {
		if a.Namespace == name && !a.TerminalStatus() {
			return true
		}
	}
	return false
}

// checkNamespace refuses a job in a namespace that does not exist or forbids what it uses.
func checkNamespace(p *jobProblems, r state.Reader, job *api.Job) {
	n := state.Namespaces.Get(r, job.Namespace)
	if n == nil {
		p.add("job %q is in nonexistent namespace %q", job.ID, job.Namespace)
		return
	}
	for _, text := range n.Refusals(job) {
		p.add("%s", text)
	}
}
