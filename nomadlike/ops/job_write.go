// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"fmt"
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/cron"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) jobHandlers(set *opset.Set) {
	e.jobReads(set)
	e.jobStatusHandlers(set)
	e.jobVersionHandlers(set)
	e.scalingHandlers(set)
	e.jobLaunchHandlers(set)
	handleWrite(set, api.JobRegister, e.jobRegister)
	handleWrite(set, api.JobDeregister, e.jobDeregister)
	handleWrite(set, api.JobEvaluate, e.jobEvaluate)
	handleWrite(set, api.JobPlan, e.jobPlan)
	opset.Handle(set, api.JobValidate, e.jobValidate)
}

// prepare turns the job of a request into the job to store: namespace and region settled, defaults filled
// in, implied constraints added, everything checked. It returns the stored version, nil for a new job.
func (e *Env) prepare(snap *state.Snapshot, o *api.RequestOptions, pathID string, in *api.Job) (job, old *api.Job, warnings api.Warnings, err error) {
	switch {
	case in == nil:
		return nil, nil, nil, api.Errorf(api.ClassInvalid, "Job must be specified")
	case in.ID == "":
		return nil, nil, nil, api.Errorf(api.ClassInvalid, "Job ID hasn't been provided")
	case pathID != "" && pathID != in.ID:
		return nil, nil, nil, api.Errorf(api.ClassInvalid, "Job ID does not match name")
	}
	job = typeinfo.Copy(in)
	if o.Namespace != "" {
		job.Namespace = o.Namespace
	}
	job.Region = e.Region // the request came here because that is the job's region
	e.complete(job)
	old = state.Jobs.Get(snap, job.Namespace, job.ID)
	warnings, err = e.check(snap, job, old)
	return job, old, warnings, err
}

// complete fills in the defaults of the server and of the job file, and adds the implied constraints.
func (e *Env) complete(job *api.Job) {
	if job.Priority != nil && *job.Priority == 0 && e.DefaultPriority > 0 {
		job.Priority = new(e.DefaultPriority)
	}
	job.Canonicalize()
	job.AddImpliedConstraints()
}

// check collects every reason not to accept the job.
func (e *Env) check(snap *state.Snapshot, job, old *api.Job) (api.Warnings, error) {
	problems, warnings := e.checkJob(snap, job)
	problems.merge(api.ValidateUpdate(old, job))
	return warnings, problems.err()
}

// jobProblems collects texts in the contract's aggregated shape.
type jobProblems struct{ all api.ValidationError }

func (p *jobProblems) add(format string, args ...any) {
	p.all.Texts = append(p.all.Texts, fmt.Sprintf(format, args...))
}

func (p *jobProblems) merge(v *api.ValidationError) {
	if v != nil {
		p.all.Texts = append(p.all.Texts, v.Texts...)
		p.all.Fields = append(p.all.Fields, v.Fields...)
	}
}

// err returns the refusal of a write, nil without problems.
func (p *jobProblems) err() error {
	if len(p.all.Texts) == 0 {
		return nil
	}
	return api.CodeErrorf(api.ClassInvalid, 500, "%s", p.all.Error())
}

// checkJob validates a canonical job by itself, under the limits that hold for its node pool, and where it
// would be.
func (e *Env) checkJob(snap *state.Snapshot, job *api.Job) (*jobProblems, api.Warnings) {
	p, limits := &jobProblems{}, e.Limits
	limits.MemoryOversubscription = state.SchedulerConfig.ForPool(snap, job.NodePool).MemoryOversubscriptionEnabled
	verr, warnings := job.Validate(limits)
	p.merge(verr)
	p.merge(cron.Check(job))
	checkNames(p, job)
	for _, f := range job.Unsupported() {
		p.add("%s", f.Error())
	}
	checkNamespace(p, snap, job)
	if job.NodePool != "" && state.NodePools.Get(snap, job.NodePool) == nil {
		p.add(`job.node_pool: job %q is in nonexistent node pool %q`, job.ID, job.NodePool)
	}
	return p, warnings
}

func (e *Env) jobRegister(ctx context.Context, r *api.JobRegisterRequest) (*api.JobRegisterResponse, error) {
	if r.Job == nil {
		return nil, api.Errorf(api.ClassInvalid, "Job must be specified")
	}
	if r.EvalPriority != 0 && (r.EvalPriority < api.JobMinPriority || r.EvalPriority > api.JobMaxPriority) {
		return nil, api.Errorf(api.ClassInvalid, "Eval priority must be between 1 and 100 inclusively")
	}
	if r.Job.Type == api.JobTypeSystem && slices.ContainsFunc(r.Job.TaskGroups, func(g *api.TaskGroup) bool { return g != nil && g.Scaling != nil }) {
		return nil, api.Errorf(api.ClassInvalid, "Task groups with job type system do not support scaling blocks")
	}
	snap := e.Store.Snapshot()
	if err := admitsJobs(snap); err != nil {
		return nil, err
	}
	job, old, warnings, err := e.prepare(snap, &r.RequestOptions, r.PathID, r.Job)
	if err != nil {
		return nil, err
	}
	if r.EnforceIndex {
		if err := enforceIndex(old, r.JobModifyIndex); err != nil {
			return nil, err
		}
	}
	preserve(job, old, r)
	sub, tooLarge := e.keptSource(r.Submission)
	reg := registration{
		job: job, old: old, source: sub, trigger: api.TriggerJobRegister, priority: r.EvalPriority,
		enforce: r.EnforceIndex, index: r.JobModifyIndex,
	}
	resp, err := e.store(ctx, &reg)
	if err != nil {
		return nil, err
	}
	resp.Warnings = slices.Concat(warnings, tooLarge, placementNotes(snap, job)).String()
	return resp, nil
}

// keptSource returns the source to keep: none, and a warning, when it is too large.
func (e *Env) keptSource(sub *api.JobSubmission) (*api.JobSubmission, api.Warnings) {
	if sub == nil {
		return nil, nil
	}
	size := len(sub.Source) + len(sub.Variables)
	for name, value := range sub.VariableFlags {
		size += len(name) + len(value)
	}
	switch {
	case size <= e.MaxSource:
		return sub, nil
	case e.MaxSource <= 0: // it is switched off
		return nil, nil
	}
	return nil, api.Warnings{{Path: "submission", Message: fmt.Sprintf("job source size of %d bytes exceeds the limit of %d bytes and was not stored", size, e.MaxSource)}}
}

// registration is a job on its way into the state.
type registration struct {
	job, old *api.Job
	source   *api.JobSubmission
	// trigger and priority are those of the evaluation; a priority of 0 is the job's.
	trigger  string
	priority int
	// enforce makes the write fail unless the stored job has the modify index, 0 for no stored job.
	enforce bool
	index   uint64
	// scaling is noted with it; nil unless the job is scaled.
	scaling *fsm.ScalingNote
}

// store registers a job that was checked. The same specification again makes a new evaluation and no new
// version (jobspec.md 9.7); periodic and parameterised jobs have no evaluation.
func (e *Env) store(ctx context.Context, reg *registration) (*api.JobRegisterResponse, error) {
	job, old := reg.job, reg.old
	job.SubmitTime, job.Status, job.Stable, job.Version, job.VersionTag = e.Now().UnixNano(), "", false, 0, nil
	var ev *api.Evaluation
	if !job.IsPeriodic() && !job.IsParameterized() {
		ev = e.newEval(job.Namespace, job.ID, job, reg.trigger)
		if reg.priority > 0 {
			ev.Priority = reg.priority
		}
		if reg.scaling != nil {
			reg.scaling.Event.EvalID = &ev.ID
		}
	}
	resp := &api.JobRegisterResponse{}
	var index uint64
	var err error
	if old != nil && api.SpecEqual(old, job) {
		resp.JobModifyIndex = old.JobModifyIndex
		index, err = e.storeUnchanged(ctx, reg, ev)
	} else {
		for _, g := range job.TaskGroups {
			if g.Scaling != nil {
				g.Scaling.ID = api.NewID() // unless the group has a policy already
			}
		}
		_, index, err = e.Raft.Apply(ctx, fsm.JobRegister.Encode(&fsm.JobRegisterRequest{
			Job: job, Submission: reg.source, Eval: ev, EnforceIndex: reg.enforce, JobModifyIndex: reg.index, TrackedVersions: e.TrackedVersions,
			Scaling: reg.scaling,
		}))
		resp.JobModifyIndex = index
	}
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	if ev != nil {
		resp.EvalID, resp.EvalCreateIndex = ev.ID, index
	}
	return resp, nil
}

// storeUnchanged stores what comes with a specification that is stored already.
func (e *Env) storeUnchanged(ctx context.Context, reg *registration, ev *api.Evaluation) (index uint64, err error) {
	old := reg.old
	switch {
	case reg.scaling != nil:
		_, index, err = e.Raft.Apply(ctx, fsm.ScalingEventNote.Encode(&fsm.ScalingEventRequest{
			Namespace: old.Namespace, JobID: old.ID, Note: reg.scaling, Eval: ev,
		}))
	case ev != nil:
		ev.JobModifyIndex = old.JobModifyIndex
		_, index, err = e.Raft.Apply(ctx, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{ev}}))
	default:
		index = old.ModifyIndex
	}
	return index, err
}

func enforceIndex(old *api.Job, want uint64) error {
	switch {
	case want == 0 && old != nil:
		return refused("Enforcing job modify index 0: job already exists")
	case want != 0 && old == nil:
		return refused("Enforcing job modify index %d: job does not exist", want)
	case want != 0 && old.JobModifyIndex != want:
		return refused("Enforcing job modify index %d: job exists with conflicting job modify index: %d", want, old.JobModifyIndex)
	}
	return nil
}

// preserve keeps counts and resources of what runs, where the request asks for it.
func preserve(job, old *api.Job, r *api.JobRegisterRequest) {
	if old == nil || !r.PreserveCounts && !r.PreserveResources {
		return
	}
	for _, g := range job.TaskGroups {
		was := old.LookupTaskGroup(g.Name)
		if was == nil {
			continue
		}
		if r.PreserveCounts && was.Count != nil {
			g.Count = new(keptCount(*was.Count, g.Scaling))
		}
		if !r.PreserveResources {
			continue
		}
		for _, t := range g.Tasks {
			if wt := was.LookupTask(t.Name); wt != nil {
				t.Resources = typeinfo.Copy(wt.Resources)
			}
		}
	}
}

// keptCount returns the count, or the bound of the scaling policy that it is beyond.
func keptCount(n int, p *api.ScalingPolicy) int {
	if p == nil {
		return n
	}
	n = max(n, api.Val(p.Min))
	if p.Max != nil {
		n = min(n, *p.Max)
	}
	return n
}

func (e *Env) jobDeregister(ctx context.Context, r *api.JobDeregisterRequest) (*api.JobDeregisterResponse, error) {
	if r.EvalPriority != 0 && (r.EvalPriority < api.JobMinPriority || r.EvalPriority > api.JobMaxPriority) {
		return nil, api.Errorf(api.ClassInvalid, "Eval priority must be between 1 and 100 inclusively")
	}
	ns := namespaceOf(&r.RequestOptions)
	job := state.Jobs.Get(e.Store.Snapshot(), ns, r.JobID)
	if job == nil {
		snap, err := e.settled(ctx)
		if err != nil {
			return nil, err
		}
		if job = state.Jobs.Get(snap, ns, r.JobID); job == nil {
			setIndex(ctx, 0)
			return &api.JobDeregisterResponse{}, nil
		}
	}
	var ev *api.Evaluation
	if !job.IsPeriodic() && !job.IsParameterized() {
		ev = e.newEval(ns, r.JobID, job, api.TriggerJobDeregister)
		if r.EvalPriority > 0 {
			ev.Priority = r.EvalPriority
		}
	}
	_, index, err := e.Raft.Apply(ctx, fsm.JobDeregister.Encode(&fsm.JobDeregisterRequest{
		Namespace: ns, JobID: r.JobID, Purge: r.Purge, NoShutdownDelay: r.NoShutdownDelay, SubmitTime: e.Now().UnixNano(), Eval: ev,
		TrackedVersions: e.TrackedVersions,
	}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	resp := &api.JobDeregisterResponse{JobModifyIndex: index, EvalCreateIndex: index}
	if ev != nil {
		resp.EvalID = ev.ID
	}
	return resp, nil
}

func (e *Env) jobEvaluate(ctx context.Context, r *api.JobEvaluateRequest) (*api.JobRegisterResponse, error) {
	if r.JobID != "" && r.PathID != "" && r.JobID != r.PathID {
		return nil, api.Errorf(api.ClassInvalid, "JobID not same as job name")
	}
	id := r.PathID
	if id == "" {
		id = r.JobID
	}
	ns := namespaceOf(&r.RequestOptions)
	snap := e.Store.Snapshot()
	job := state.Jobs.Get(snap, ns, id)
	switch {
	case job == nil:
		return nil, refused("job not found")
	case job.IsPeriodic():
		return nil, refused("can't evaluate periodic job")
	case job.IsParameterized():
		return nil, refused("can't evaluate parameterized job")
	}
	ev := e.newEval(ns, id, job, api.TriggerJobRegister)
	transitions := map[string]api.DesiredTransition{}
	if r.EvalOptions.ForceReschedule {
		yes := true
		for a := range state.Allocs.By(snap, state.ByJob, ns, id) {
			if a.ClientStatus == api.AllocClientFailed && a.NextAllocation == "" && !a.ServerTerminalStatus() {
				transitions[a.ID] = api.DesiredTransition{ForceReschedule: &yes}
			}
		}
	}
	_, index, err := e.Raft.Apply(ctx, fsm.AllocsDesiredTransition.Encode(&fsm.AllocsDesiredTransitionRequest{
		Transitions: transitions, Evals: []*api.Evaluation{ev}, Time: e.Now().UnixNano(),
	}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.JobRegisterResponse{EvalID: ev.ID, EvalCreateIndex: index, JobModifyIndex: job.JobModifyIndex}, nil
}
