// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) jobVersionHandlers(set *opset.Set) {
	handleWrite(set, api.JobRevert, e.jobRevert)
	handleWrite(set, api.JobStable, e.jobStable)
	handleWrite(set, api.JobTag, e.jobTag)
	handleWrite(set, api.JobUntag, e.jobUntag)
}

// samePath checks that the job named in a body is that of the route, and returns its ID.
func samePath(path, body string) (string, error) {
	if path != "" && body != "" && path != body {
		return "", api.Errorf(api.ClassInvalid, "Job ID does not match name")
	}
	if path == "" {
		path = body
	}
	return path, nil
}

// jobRevert registers an earlier version again, with the source that it was submitted with.
func (e *Env) jobRevert(ctx context.Context, r *api.JobRevertRequest) (*api.JobRegisterResponse, error) {
	id, err := samePath(r.PathID, r.JobID)
	if err != nil {
		return nil, err
	}
	ns, snap := namespaceOf(&r.RequestOptions), e.Store.Snapshot()
	if err := admitsJobs(snap); err != nil {
		return nil, err
	}
	now := state.Jobs.Get(snap, ns, id)
	switch {
	case now == nil:
		return nil, refused("job %q not found", id)
	case r.EnforcePriorVersion != nil && *r.EnforcePriorVersion != now.Version:
		return nil, refused("Current job has version %d; enforcing version %d", now.Version, *r.EnforcePriorVersion)
	case r.JobVersion == now.Version:
		return nil, refused("can't revert to current version")
	}
	then := state.JobVersions.Get(snap, ns, id, r.JobVersion)
	if then == nil {
		return nil, refused("job %q in namespace %q at version %d not found", id, ns, r.JobVersion)
	}
	job, old, warnings, err := e.prepare(snap, &r.RequestOptions, id, then)
	if err != nil {
		return nil, err
	}
	reg := registration{
		job: job, old: old, trigger: api.TriggerJobRegister, enforce: true, index: now.JobModifyIndex,
		source: typeinfo.Copy(state.JobSubmissions.Get(snap, ns, id, r.JobVersion)),
	}
	resp, err := e.store(ctx, &reg)
	if err != nil {
		return nil, err
	}
	resp.Warnings = warnings.String()
	return resp, nil
}

// jobStable marks a version.
//
// Compat: the reference makes a version that is not the newest the current job again when it is marked.
func (e *Env) jobStable(ctx context.Context, r *api.JobStableRequest) (*api.WriteMeta, error) {
	id, err := samePath(r.PathID, r.JobID)
	if err != nil {
		return nil, err
	}
	_, index, err := e.Raft.Apply(ctx, fsm.JobStability.Encode(&fsm.JobStabilityRequest{
		Namespace: namespaceOf(&r.RequestOptions), JobID: id, Version: r.JobVersion, Stable: r.Stable,
	}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.WriteMeta{}, nil
}

func (e *Env) jobTag(ctx context.Context, r *api.JobTagRequest) (*api.JobVersionTagResponse, error) {
	if r.Latest && r.Version != 0 {
		return nil, api.Errorf(api.ClassInvalid, "cannot tag both the latest version and version %d", r.Version)
	}
	p := &jobProblems{}
	checkName(p, "Tag name", r.Tag, maxTagName)
	checkName(p, "Tag description", r.Description, maxTagDescription)
	if err := p.err(); err != nil {
		return nil, err
	}
	tag := &api.JobVersionTag{Name: r.Tag, Description: r.Description, TaggedTime: e.Now().UnixNano()}
	_, index, err := e.Raft.Apply(ctx, fsm.JobVersionTag.Encode(&fsm.JobVersionTagRequest{
		Namespace: namespaceOf(&r.RequestOptions), JobID: r.JobID, Name: r.Tag, Tag: tag, Version: r.Version, Latest: r.Latest,
	}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.JobVersionTagResponse{Name: tag.Name, Description: tag.Description, TaggedTime: tag.TaggedTime}, nil
}

func (e *Env) jobUntag(ctx context.Context, r *api.JobUntagRequest) (*api.JobVersionTagResponse, error) {
	_, index, err := e.Raft.Apply(ctx, fsm.JobVersionTag.Encode(&fsm.JobVersionTagRequest{
		Namespace: namespaceOf(&r.RequestOptions), JobID: r.JobID, Name: r.Tag,
	}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.JobVersionTagResponse{}, nil
}
