// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) jobReads(set *opset.Set) {
	handleRead(e, set, api.JobList, jobList)
	handleRead(e, set, api.JobGet, jobGet)
	handleRead(e, set, api.JobVersions, jobVersions)
	handleRead(e, set, api.JobSummaryGet, jobSummary)
	handleRead(e, set, api.JobAllocations, jobAllocations)
	handleRead(e, set, api.JobEvaluations, jobEvaluations)
	handleRead(e, set, api.JobDeployments, jobDeployments)
	handleRead(e, set, api.JobLatestDeployment, jobLatestDeployment)
	handleRead(e, set, api.JobSubmissionGet, jobSubmission)
}

func jobToken(j *api.Job) string { return j.Namespace + "." + j.ID }

// jobBefore compares jobs with a token by namespace and ID, which is their order. A namespace holds no dot.
func jobBefore(reverse bool) func(*api.Job, string) bool {
	return func(j *api.Job, token string) bool {
		ns, id, _ := strings.Cut(token, ".")
		c := cmp.Or(cmp.Compare(j.Namespace, ns), cmp.Compare(j.ID, id))
		if reverse {
			return c > 0
		}
		return c < 0
	}
}

func jobList(tx *readTx, r *api.JobListRequest) ([]*api.JobListStub, error) {
	state.JobSummaries.Index(tx) // a stub shows the summary, so a change of summaries is news too
	rows := state.Jobs.All(tx)
	if ns := tx.namespace(); ns != api.AllNamespaces {
		rows = state.Jobs.Prefix(tx, ns, r.Prefix)
	}
	return list(tx, page[api.Job]{
		rows:      inOrder(tx, rows),
		token:     jobToken,
		namespace: func(j *api.Job) string { return j.Namespace },
		before:    jobBefore(tx.Options.Reverse),
		keep:      func(j *api.Job) bool { return strings.HasPrefix(j.ID, r.Prefix) },
	}, func(j *api.Job) *api.JobListStub {
		return jobStub(j, state.JobSummaries.Get(tx.Unrecorded(), j.Namespace, j.ID), r.Meta)
	})
}

func jobStub(j *api.Job, summary *api.JobSummary, meta bool) *api.JobListStub {
	s := &api.JobListStub{
		ID: j.ID, ParentID: j.ParentID, Name: j.Name, Namespace: j.Namespace, Datacenters: j.Datacenters,
		NodePool: j.NodePool, Multiregion: j.Multiregion, Type: j.Type, Priority: j.PriorityOrDefault(), Stop: j.Stop,
		Status: j.Status, StatusDescription: j.StatusDescription, SubmitTime: j.SubmitTime,
		Periodic: j.Periodic != nil, ParameterizedJob: j.ParameterizedJob != nil, JobSummary: summary,
		CreateIndex: j.CreateIndex, ModifyIndex: j.ModifyIndex, JobModifyIndex: j.JobModifyIndex,
	}
	if summary == nil {
		s.JobSummary = &api.JobSummary{JobID: j.ID, Namespace: j.Namespace}
	}
	if meta {
		s.Meta = j.Meta
	}
	return s
}

func jobGet(tx *readTx, r *api.JobRequest) (*api.Job, error) {
	j := state.Jobs.Get(tx, tx.namespace(), r.JobID)
	if j == nil {
		return nil, notFound("job not found")
	}
	return j, nil
}

func jobVersions(tx *readTx, r *api.JobVersionsRequest) (*api.JobVersionsResponse, error) {
	ns := tx.namespace()
	versions := slices.Collect(state.JobVersions.Of(tx, ns, r.JobID))
	if len(versions) == 0 {
		return nil, notFound("job versions not found")
	}
	resp := &api.JobVersionsResponse{Versions: versions}
	if !r.Diffs {
		return resp, nil
	}
	base, err := diffBase(versions, r)
	if err != nil {
		return nil, err
	}
	for i, v := range versions {
		older := base
		if older == nil {
			if i+1 == len(versions) {
				break
			}
			older = versions[i+1]
		}
		resp.Diffs = append(resp.Diffs, api.DiffJobs(older, v, true))
	}
	return resp, nil
}

// diffBase finds the version that all others are compared with; nil means each with the one before.
func diffBase(versions []*api.Job, r *api.JobVersionsRequest) (*api.Job, error) {
	switch {
	case r.DiffTag != "":
		for _, v := range versions {
			if v.VersionTag != nil && v.VersionTag.Name == r.DiffTag {
				return v, nil
			}
		}
		return nil, refused("tag %q not found", r.DiffTag)
	case r.DiffVersion != "":
		n, err := strconv.ParseUint(r.DiffVersion, 10, 64)
		if err != nil {
			return nil, api.Errorf(api.ClassInvalid, "Failed to parse value of %q (%v) as a uint64: %v", "diff_version", r.DiffVersion, err)
		}
		for _, v := range versions {
			if v.Version == n {
				return v, nil
			}
		}
		return nil, refused("version %d not found", n)
	}
	return nil, nil
}

func jobSummary(tx *readTx, r *api.JobRequest) (*api.JobSummary, error) {
	s := state.JobSummaries.Get(tx, tx.namespace(), r.JobID)
	if s == nil {
		return nil, notFound("job not found")
	}
	return s, nil
}

func jobAllocations(tx *readTx, r *api.JobAllocationsRequest) ([]*api.AllocListStub, error) {
	ns := tx.namespace()
	job := state.Jobs.Get(tx.Unrecorded(), ns, r.JobID)
	out := []*api.AllocListStub{}
	for a := range state.Allocs.By(tx, state.ByJob, ns, r.JobID) {
		if !r.All && job != nil && a.Job != nil && a.Job.CreateIndex != job.CreateIndex {
			continue
		}
		out = append(out, allocStub(a, false, true))
	}
	sortCreated(out, func(a *api.AllocListStub) (uint64, string) { return a.CreateIndex, a.ID })
	return out, nil
}

func jobEvaluations(tx *readTx, r *api.JobRequest) ([]*api.Evaluation, error) {
	out := nonNil(state.Evals.By(tx, state.ByJob, tx.namespace(), r.JobID))
	sortCreated(out, func(v *api.Evaluation) (uint64, string) { return v.CreateIndex, v.ID })
	slices.Reverse(out)
	return out, nil
}

func jobDeployments(tx *readTx, r *api.JobAllocationsRequest) ([]*api.Deployment, error) {
	ns := tx.namespace()
	job := state.Jobs.Get(tx.Unrecorded(), ns, r.JobID)
	out := []*api.Deployment{}
	for d := range state.Deployments.By(tx, state.ByJob, ns, r.JobID) {
		if !r.All && job != nil && d.JobCreateIndex != job.CreateIndex {
			continue
		}
		out = append(out, d)
	}
	sortCreated(out, func(d *api.Deployment) (uint64, string) { return d.CreateIndex, d.ID })
	slices.Reverse(out)
	return out, nil
}

func jobLatestDeployment(tx *readTx, r *api.JobRequest) (*api.Deployment, error) {
	all, err := jobDeployments(tx, &api.JobAllocationsRequest{JobID: r.JobID})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

func jobSubmission(tx *readTx, r *api.JobSubmissionRequest) (*api.JobSubmission, error) {
	if r.Version == "" {
		return nil, api.Errorf(api.ClassInvalid, "Unable to parse job submission version parameter")
	}
	v, err := strconv.ParseUint(r.Version, 10, 64)
	if err != nil {
		return nil, api.Errorf(api.ClassInvalid, "Unable to parse job submission version parameter")
	}
	s := state.JobSubmissions.Get(tx, tx.namespace(), r.JobID, v)
	if s == nil {
		return nil, notFound("job source not found")
	}
	return s, nil
}

func nonNil[T any](seq iter.Seq[*T]) []*T {
	out := []*T{}
	for r := range seq {
		out = append(out, r)
	}
	return out
}

// sortCreated orders rows by creation.
func sortCreated[T any](rows []T, key func(T) (uint64, string)) {
	slices.SortFunc(rows, func(a, b T) int {
		ai, aid := key(a)
		bi, bid := key(b)
		if c := cmp.Compare(ai, bi); c != 0 {
			return c
		}
		return cmp.Compare(aid, bid)
	})
}
