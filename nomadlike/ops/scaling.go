// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) scalingHandlers(set *opset.Set) {
	handleWrite(set, api.JobScale, e.jobScale)
	handleRead(e, set, api.JobScaleStatusGet, jobScaleStatus)
	handleRead(e, set, api.ScalingPolicyList, scalingPolicies)
	handleRead(e, set, api.ScalingPolicyGet, scalingPolicy)
}

// scaleTries bounds how often a scaling is tried again because the job changed meanwhile.
const scaleTries = 5

// jobScale changes the count of a group or notes an event (scheduler.md 12).
func (e *Env) jobScale(ctx context.Context, r *api.JobScaleRequest) (*api.JobRegisterResponse, error) {
	for try := 1; ; try++ {
		resp, err := e.scale(ctx, r)
		if r.JobModifyIndex == 0 && try < scaleTries && api.IsClass(err, api.ClassConflict) {
			continue
		}
		return resp, err
	}
}

func (e *Env) scale(ctx context.Context, r *api.JobScaleRequest) (*api.JobRegisterResponse, error) {
	if _, err := samePath(r.JobID, r.Target["Job"]); err != nil {
		return nil, err
	}
	group := r.Target["Group"]
	switch {
	case group == "":
		return nil, api.Errorf(api.ClassInvalid, "missing task group name for scaling action")
	case r.Error && r.Count != nil:
		return nil, api.Errorf(api.ClassInvalid, "scaling action should not contain count if error is true")
	case r.Count != nil && *r.Count < 0:
		return nil, api.Errorf(api.ClassInvalid, "scaling action count can't be negative")
	}
	meta, err := json.Marshal(r.Meta)
	if err != nil {
		return nil, fmt.Errorf("encode the meta of a scaling event: %w", err)
	}
	if n := len(r.Message) + len(meta); n > maxScalingText {
		return nil, api.Errorf(api.ClassInvalid, "message and meta of the scaling action have %d bytes, at most %d are allowed", n, maxScalingText)
	}
	ns, snap := namespaceOf(&r.RequestOptions), e.Store.Snapshot()
	if err := admitsJobs(snap); err != nil {
		return nil, err
	}
	job := state.Jobs.Get(snap, ns, r.JobID)
	if job == nil {
		return nil, notFound("job %q not found", r.JobID)
	}
	was := job.LookupTaskGroup(group)
	if was == nil {
		return nil, api.Errorf(api.ClassInvalid, "task group %q specified for scaling does not exist in job", group)
	}
	if r.JobModifyIndex != 0 {
		if err := enforceIndex(job, r.JobModifyIndex); err != nil {
			return nil, err
		}
	}
	note := &fsm.ScalingNote{Group: group, Event: &api.ScalingEvent{
		Time: e.Now().UnixNano(), Count: r.Count, PreviousCount: was.CountOrDefault(), Message: r.Message, Error: r.Error, Meta: r.Meta,
	}}
	metaOf(ctx).KnownLeader = true // Compat: the reference says so in this response alone of all writes
	if r.Count == nil {
		_, index, err := e.Raft.Apply(ctx, fsm.ScalingEventNote.Encode(&fsm.ScalingEventRequest{Namespace: ns, JobID: job.ID, Note: note}))
		if err != nil {
			return nil, err
		}
		setIndex(ctx, index)
		return &api.JobRegisterResponse{JobModifyIndex: job.JobModifyIndex}, nil
	}
	if err := e.checkScale(snap, job, was, *r.Count); err != nil {
		return nil, err
	}
	scaled := typeinfo.Copy(job)
	scaled.LookupTaskGroup(group).Count = new(int(*r.Count))
	return e.store(ctx, &registration{
		job: scaled, old: job, trigger: api.TriggerScaling, enforce: true, index: job.JobModifyIndex, scaling: note,
	})
}

// checkScale refuses counts that the group must not have.
func (e *Env) checkScale(snap *state.Snapshot, job *api.Job, group *api.TaskGroup, count int64) error {
	if job.Type == api.JobTypeSystem && count > 1 {
		return api.Errorf(api.ClassInvalid, "task group %q of a system job can only be scaled between 0 and 1", group.Name)
	}
	if p := group.Scaling; p != nil {
		if least := int64(api.Val(p.Min)); count < least {
			return api.Errorf(api.ClassInvalid, "group count was less than scaling policy minimum: %d < %d", count, least)
		}
		if p.Max != nil && count > int64(*p.Max) {
			return api.Errorf(api.ClassInvalid, "group count was greater than scaling policy maximum: %d > %d", count, *p.Max)
		}
	}
	if d := state.LatestDeployment(snap, job.Namespace, job.ID); d != nil && d.JobCreateIndex == job.CreateIndex && state.Active(d) {
		return api.Errorf(api.ClassInvalid, "job scaling blocked due to active deployment")
	}
	others := job.TotalCount() - int64(group.CountOrDefault())
	if count > math.MaxInt64-others {
		count = math.MaxInt64 - others
	}
	if err := e.Limits.CheckCount(others + count); err != nil {
		return refused("%v", err)
	}
	return nil
}

func jobScaleStatus(tx *readTx, r *api.JobRequest) (*api.JobScaleStatus, error) {
	ns := tx.namespace()
	j := state.Jobs.Get(tx, ns, r.JobID)
	if j == nil {
		return nil, notFound("job not found")
	}
	groups := map[string]api.TaskGroupScaleStatus{}
	events := state.ScalingEvents.Get(tx, ns, r.JobID)
	for _, g := range j.TaskGroups {
		s := api.TaskGroupScaleStatus{Desired: g.CountOrDefault()}
		if events != nil {
			s.Events = events.Groups[g.Name]
		}
		groups[g.Name] = s
	}
	for a := range state.Allocs.By(tx, state.ByJob, ns, r.JobID) {
		s, ok := groups[a.TaskGroup]
		if !ok || a.TerminalStatus() || a.Job != nil && a.Job.CreateIndex != j.CreateIndex {
			continue
		}
		s.Placed++
		if a.ClientStatus == api.AllocClientRunning {
			s.Running++
		}
		if d := a.DeploymentStatus; d != nil && d.Healthy != nil {
			if *d.Healthy {
				s.Healthy++
			} else {
				s.Unhealthy++
			}
		}
		groups[a.TaskGroup] = s
	}
	return &api.JobScaleStatus{
		JobID: j.ID, Namespace: j.Namespace, JobCreateIndex: j.CreateIndex, JobModifyIndex: j.ModifyIndex, JobStopped: j.Stop, TaskGroups: groups,
	}, nil
}

func scalingPolicies(tx *readTx, r *api.ScalingPolicyListRequest) ([]*api.ScalingPolicyListStub, error) {
	if err := checkPrefix("scaling_policy", r.Prefix); err != nil {
		return nil, err
	}
	out, ns := []*api.ScalingPolicyListStub{}, tx.namespace()
	rows := state.ScalingPolicies.Prefix(tx, strings.ToLower(r.Prefix))
	if r.Job != "" && ns != api.AllNamespaces {
		rows = state.ScalingPolicies.By(tx, state.ByJob, ns, r.Job)
	}
	for p := range rows {
		if ns != api.AllNamespaces && p.Target["Namespace"] != ns || r.Job != "" && p.Target["Job"] != r.Job ||
			r.Type != "" && p.Type != r.Type || !strings.HasPrefix(p.ID, strings.ToLower(r.Prefix)) {
			continue
		}
		out = append(out, &api.ScalingPolicyListStub{
			ID: p.ID, Enabled: api.Or(p.Enabled, true), Type: p.Type, Target: p.Target, CreateIndex: p.CreateIndex, ModifyIndex: p.ModifyIndex,
		})
	}
	return out, nil
}

func scalingPolicy(tx *readTx, r *api.ScalingPolicyRequest) (*api.ScalingPolicy, error) {
	if err := checkID("scaling_policy", r.PolicyID); err != nil {
		return nil, err
	}
	p := state.ScalingPolicies.Get(tx, strings.ToLower(r.PolicyID))
	if p == nil {
		return nil, notFound("policy not found")
	}
	return p, nil
}
