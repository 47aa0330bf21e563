// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) jobStatusHandlers(set *opset.Set) {
	handleRead(e, set, api.JobStatuses, func(tx *readTx, r *api.JobStatusesRequest) ([]*api.JobStatus, error) {
		rows := state.Jobs.All(tx)
		if ns := tx.namespace(); ns != api.AllNamespaces {
			rows = state.Jobs.Prefix(tx, ns, r.Prefix)
		}
		return jobStatuses(tx, rows, r.IncludeChildren)
	})
	handleRead(e, set, api.JobStatusesOf, jobStatusesOf)
	handleRead(e, set, api.JobServices, jobServices)
	opset.Handle(set, api.JobActions, e.jobActions)
}

// jobStatusesOf tells the statuses of the jobs named in the request, whatever their namespaces.
func jobStatusesOf(tx *readTx, r *api.JobStatusesOfRequest) ([]*api.JobStatus, error) {
	if len(r.Jobs) == 0 {
		return nil, api.Errorf(api.ClassInvalid, "no jobs in request")
	}
	r.Namespace, r.Prefix = api.AllNamespaces, ""
	var rows []*api.Job
	seen := map[api.NamespacedID]bool{}
	for _, id := range r.Jobs {
		if id.Namespace == "" {
			id.Namespace = api.DefaultNamespace
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		if j := state.Jobs.Get(tx, id.Namespace, id.ID); j != nil {
			rows = append(rows, j)
		}
	}
	return jobStatuses(tx, slices.Values(rows), r.IncludeChildren || r.QueryChildren)
}

// manyStatuses is the number of jobs from which on the tables of allocations and deployments are watched as
// a whole instead of job by job.
const manyStatuses = 500

// jobStatuses pages through the jobs by modify index, the newest first.
func jobStatuses(tx *readTx, seq iter.Seq[*api.Job], children bool) ([]*api.JobStatus, error) {
	var rows []*api.Job
	for j := range seq {
		if (children || j.ParentID == "") && strings.HasPrefix(j.ID, tx.Options.Prefix) {
			rows = append(rows, j)
		}
	}
	from, err := statusToken(tx.Options.NextToken)
	if err != nil {
		return nil, err
	}
	order := func(a, b *api.Job) int {
		newest := cmp.Compare(b.ModifyIndex, a.ModifyIndex)
		if tx.Options.Reverse {
			newest = -newest
		}
		return cmp.Or(newest, cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(rows, order)
	// Jobs that one write changed share their index: only the first of them is named by it alone.
	later := map[*api.Job]bool{}
	for i := 1; i < len(rows); i++ {
		if rows[i].ModifyIndex == rows[i-1].ModifyIndex {
			later[rows[i]] = true
		}
	}
	reader := state.Reader(tx)
	if len(rows) > manyStatuses && (tx.Options.PerPage <= 0 || tx.Options.PerPage > manyStatuses) {
		state.Jobs.Index(tx)
		state.Allocs.Index(tx)
		state.Deployments.Index(tx)
		reader = tx.Unrecorded()
	}
	out, err := list(tx, page[api.Job]{
		rows: slices.Values(rows),
		token: func(j *api.Job) string {
			token := strconv.FormatUint(j.ModifyIndex, 10)
			if later[j] {
				token += "." + jobToken(j)
			}
			return token
		},
		namespace: func(j *api.Job) string { return j.Namespace },
		before:    func(j *api.Job, _ string) bool { return order(j, from) < 0 },
	}, func(j *api.Job) *api.JobStatus { return jobStatus(reader, j) })
	if e := api.AsError(err); e != nil {
		// Compat: the reference answers mistakes in the filter with 500 here.
		return nil, api.CodeErrorf(e.Class, http.StatusInternalServerError, "%s", e.Message)
	}
	return out, nil
}

// statusToken returns a job in the place of the one that the token names. A token of a number alone names
// the first job of that index.
func statusToken(token string) (*api.Job, error) {
	j := &api.Job{}
	if token == "" {
		return j, nil
	}
	num, rest, _ := strings.Cut(token, ".")
	var err error
	if j.ModifyIndex, err = strconv.ParseUint(num, 10, 64); err != nil {
		return nil, refused("failed to create result paginator: next_token %q is not one of this list", token)
	}
	j.Namespace, j.ID, _ = strings.Cut(rest, ".")
	return j, nil
}

func jobStatus(r state.Reader, j *api.Job) *api.JobStatus {
	s := &api.JobStatus{
		ID: j.ID, Namespace: j.Namespace, Name: j.Name, Type: j.Type, NodePool: j.NodePool, Datacenters: j.Datacenters,
		Priority: j.PriorityOrDefault(), Version: j.Version, SubmitTime: j.SubmitTime, ModifyIndex: j.ModifyIndex,
		ParentID: j.ParentID, Stop: j.Stop, Status: j.Status,
	}
	_, s.IsPack = j.Meta["pack.name"]
	s.GroupCounts = make(map[string]int, len(j.TaskGroups))
	for _, g := range j.TaskGroups {
		s.GroupCounts[g.Name] = g.CountOrDefault()
		s.GroupCountSum += g.CountOrDefault()
	}
	for a := range state.Allocs.By(r, state.ByJob, j.Namespace, j.ID) {
		if a.Job == nil || a.Job.CreateIndex == j.CreateIndex {
			s.Allocs = append(s.Allocs, jobStatusAlloc(a))
		}
	}
	var latest *api.Deployment
	for d := range state.Deployments.By(r, state.ByJob, j.Namespace, j.ID) {
		if d.JobCreateIndex == j.CreateIndex && (latest == nil || d.CreateIndex > latest.CreateIndex) {
			latest = d
		}
	}
	if latest != nil {
		s.LatestDeployment = jobStatusDeployment(latest)
	}
	if j.IsPeriodic() || j.IsParameterized() {
		s.ChildStatuses = []string{}
		for child := range state.Jobs.By(r, state.ByParent, j.Namespace, j.ID) {
			s.ChildStatuses = append(s.ChildStatuses, child.Status)
		}
	}
	return s
}

func jobStatusAlloc(a *api.Allocation) *api.JobStatusAlloc {
	s := &api.JobStatusAlloc{
		ID: a.ID, NodeID: a.NodeID, ClientStatus: a.ClientStatus, FollowupEvalID: a.FollowupEvalID, Group: a.TaskGroup,
		DeploymentStatus: &api.JobStatusAllocHealth{},
	}
	if a.Job != nil {
		s.JobVersion = a.Job.Version
	}
	if d := a.DeploymentStatus; d != nil {
		s.DeploymentStatus.Canary, s.DeploymentStatus.Healthy = d.Canary, d.Healthy
	}
	for _, t := range a.TaskStates {
		s.HasPausedTask = s.HasPausedTask || t != nil && t.Paused != "" && t.Paused != "force_run"
	}
	return s
}

func jobStatusDeployment(d *api.Deployment) *api.JobStatusDeployment {
	s := &api.JobStatusDeployment{
		ID: d.ID, JobVersion: d.JobVersion, Status: d.Status, StatusDescription: d.StatusDescription, IsActive: state.Active(d),
	}
	canaries, auto := 0, 0
	for _, g := range d.TaskGroups {
		if g == nil || g.DesiredCanaries == 0 {
			continue
		}
		canaries++
		if g.AutoPromote {
			auto++
		}
		s.RequiresPromotion = s.RequiresPromotion || s.IsActive && !g.Promoted && len(g.PlacedCanaries) > 0
	}
	s.AllAutoPromote = canaries > 0 && auto == canaries
	return s
}

func jobServices(tx *readTx, r *api.JobRequest) ([]*api.ServiceRegistration, error) {
	ns := tx.namespace()
	if state.Jobs.Get(tx.Unrecorded(), ns, r.JobID) == nil {
		state.Jobs.Get(tx, ns, r.JobID) // its registration is what a blocked caller waits for
		return nil, notFound("job not found")
	}
	return nonNil(state.Services.By(tx, state.ByJob, ns, r.JobID)), nil
}

func (e *Env) jobActions(ctx context.Context, r *api.JobActionsRequest) ([]*api.JobAction, error) {
	j := state.Jobs.Get(e.Store.Snapshot(), namespaceOf(&r.RequestOptions), r.JobID)
	if j == nil {
		return nil, refused("Unknown job %q", r.JobID)
	}
	out := []*api.JobAction{}
	for _, g := range j.TaskGroups {
		for _, t := range g.Tasks {
			for _, a := range t.Actions {
				out = append(out, &api.JobAction{Name: a.Name, Command: a.Command, Args: a.Args, TaskName: t.Name, TaskGroupName: g.Name})
			}
		}
	}
	// Compat: the reference answers without the index and the leader of its state.
	metaOf(ctx).KnownLeader = false
	setIndex(ctx, 0)
	return out, nil
}
