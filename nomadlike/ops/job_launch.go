// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) jobLaunchHandlers(set *opset.Set) {
	handleWrite(set, api.JobDispatch, e.jobDispatch)
	handleWrite(set, api.JobDispatchPayload, func(ctx context.Context, r *api.JobDispatchPayloadRequest) (*api.JobDispatchResponse, error) {
		return e.jobDispatch(ctx, &api.JobDispatchRequest{
			WriteOptions: r.WriteOptions, PathID: r.JobID, Payload: r.Payload, IdempotencyToken: r.IdempotencyToken,
		})
	})
	handleWrite(set, api.JobPeriodicForce, e.jobPeriodicForce)
}

// launchTries bounds how often a child gets another ID because there is one with its ID.
const launchTries = 60

// jobDispatch launches a child of a parameterised job (jobspec.md 9.8).
func (e *Env) jobDispatch(ctx context.Context, r *api.JobDispatchRequest) (*api.JobDispatchResponse, error) {
	id, err := samePath(r.PathID, r.JobID)
	if err != nil {
		return nil, err
	}
	ns, snap := namespaceOf(&r.RequestOptions), e.Store.Snapshot()
	if err := admitsJobs(snap); err != nil {
		return nil, err
	}
	parent := state.Jobs.Get(snap, ns, id)
	switch {
	case parent == nil:
		return nil, refused("parameterized job not found")
	case !parent.IsParameterized():
		return nil, refused("Specified job %q is not a parameterized job", id)
	case parent.Stop:
		return nil, refused("Specified job %q is stopped", id)
	}
	if err := checkDispatch(parent, r); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		resp, err := e.dispatch(ctx, parent, r)
		if try < launchTries && api.IsClass(err, api.ClassConflict) {
			continue
		}
		return resp, err
	}
}

func (e *Env) dispatch(ctx context.Context, parent *api.Job, r *api.JobDispatchRequest) (*api.JobDispatchResponse, error) {
	now := e.Now()
	child := parent.DispatchedChild(r.IdPrefixTemplate, now, api.NewID()[:8], r.Meta, r.Payload)
	child.SubmitTime = now.UnixNano()
	if r.Priority != 0 {
		child.Priority = new(r.Priority)
	}
	child.DispatchIdempotencyToken = r.IdempotencyToken
	if r.QueryToken != "" {
		child.DispatchIdempotencyToken = r.QueryToken
	}
	if err := e.checkChild(child); err != nil {
		return nil, err
	}
	req := &fsm.JobDispatchRequest{Job: child}
	if !child.IsPeriodic() {
		req.Eval = e.newEval(child.Namespace, child.ID, child, api.TriggerJobRegister)
	}
	v, index, err := e.Raft.Apply(ctx, fsm.JobDispatch.Encode(req))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	stored, ok := v.(*api.Job)
	if !ok {
		return nil, api.Errorf(api.ClassInternal, "dispatch of job %q answered %T", parent.ID, v)
	}
	resp := &api.JobDispatchResponse{DispatchedJobID: stored.ID, JobCreateIndex: stored.CreateIndex}
	if stored.ID == child.ID && req.Eval != nil {
		resp.EvalID, resp.EvalCreateIndex = req.Eval.ID, index
	}
	return resp, nil
}

// checkDispatch checks the payload and meta of a dispatch against what the parent wants.
func checkDispatch(parent *api.Job, r *api.JobDispatchRequest) error {
	want := parent.ParameterizedJob
	switch {
	case want.Payload == "required" && len(r.Payload) == 0:
		return refused("Payload is not provided but required by parameterized job")
	case want.Payload == "forbidden" && len(r.Payload) > 0:
		return refused("Payload provided but forbidden by parameterized job")
	case len(r.Payload) > api.MaxDispatchPayload:
		return refused("Payload exceeds maximum size; %d > %d", len(r.Payload), api.MaxDispatchPayload)
	}
	var unknown, missing []string
	for key := range r.Meta {
		if !slices.Contains(want.MetaRequired, key) && !slices.Contains(want.MetaOptional, key) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range want.MetaRequired {
		if _, ok := r.Meta[key]; !ok {
			missing = append(missing, key)
		}
	}
	switch {
	case len(unknown) > 0:
		return refused("Dispatch request included unpermitted metadata keys: %v", unknown)
	case len(missing) > 0:
		return refused("Dispatch did not provide required meta keys: %v", missing)
	}
	return nil
}

// checkChild checks what a dispatch brings into the job: its ID, priority and token.
func (e *Env) checkChild(child *api.Job) error {
	p := &jobProblems{}
	verr, _ := child.Validate(e.Limits)
	p.merge(verr)
	checkNames(p, child)
	checkName(p, "Idempotency token", child.DispatchIdempotencyToken, maxJobName)
	return p.err()
}

// jobPeriodicForce launches a child of a periodic job now, whether or not another one runs.
func (e *Env) jobPeriodicForce(ctx context.Context, r *api.JobWriteRequest) (*api.JobPeriodicForceResponse, error) {
	ns, snap := namespaceOf(&r.RequestOptions), e.Store.Snapshot()
	job := state.Jobs.Get(snap, ns, r.JobID)
	switch {
	case job == nil:
		return nil, refused("job not found")
	case !job.IsPeriodic():
		return nil, refused("can't force launch non-periodic job")
	case !job.IsPeriodicActive():
		return nil, refused("can't force run non-tracked job")
	}
	now := e.Now()
	for try := range launchTries {
		// A child that was launched in this second has its ID.
		child := job.PeriodicChild(now.Add(time.Duration(try) * time.Second))
		child.SubmitTime = now.UnixNano()
		ev := e.newEval(ns, child.ID, child, api.TriggerPeriodicJob)
		_, index, err := e.Raft.Apply(ctx, fsm.PeriodicLaunch.Encode(&fsm.PeriodicLaunchRequest{
			Namespace: ns, ParentID: job.ID, Job: child, Eval: ev,
		}))
		if api.IsClass(err, api.ClassConflict) {
			continue
		}
		if err != nil {
			return nil, err
		}
		setIndex(ctx, index)
		return &api.JobPeriodicForceResponse{EvalID: ev.ID, EvalCreateIndex: index}, nil
	}
	return nil, refused("job %q was launched %d times in a second, try again later", job.ID, launchTries)
}
