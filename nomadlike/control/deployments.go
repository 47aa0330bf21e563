// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const (
	// deploymentWindow is how long changes of deployments are gathered, so that a job gets one evaluation
	// for many allocations that become healthy together.
	deploymentWindow = 100 * time.Millisecond
	// deploymentRetry is the wait after a decision that could not be written.
	deploymentRetry = time.Second
)

// Deployments takes rollouts forward (scheduler.md 9.3): it has the scheduler look again when allocations
// become healthy, lets failed ones be rescheduled, promotes canaries on its own when the job wants that, and
// fails a deployment that makes no progress, going back to a stable version when the job wants that. What is
// healthy is decided by the clients.
//
// It is level-triggered: a deployment is looked at as a whole whenever one of its rows changed or one of its
// deadlines passes, and deciding twice does nothing twice.
type Deployments struct {
	store *state.Store
	raft  Raft
	log   hclog.Logger
	// tracked is how many versions of a job are kept, 0 for the default.
	tracked int

	mu struct {
		sync.Mutex
		on bool
		// dirty are deployments to look at, by ID.
		dirty map[string]struct{}
	}
	wake chan struct{}
}

// NewDeployments returns an idle watcher. Its Observe must be subscribed to the store.
func NewDeployments(store *state.Store, raft Raft, trackedVersions int, log hclog.Logger) *Deployments {
	return &Deployments{
		store: store, raft: raft, tracked: trackedVersions, log: log.Named("deployments"), wake: make(chan struct{}, 1),
	}
}

// Observe takes the changes of a commit. It is quick and may be called inside the commit.
func (d *Deployments) Observe(changes []state.Change) {
	for i := range changes {
		switch row := changes[i].New.(type) {
		case *api.Deployment:
			if state.Active(row) {
				d.mark(row.ID)
			}
		case *api.Allocation:
			old, _ := changes[i].Old.(*api.Allocation)
			if row.DeploymentID != "" && row.ClientStatus == api.AllocClientFailed && (old == nil || old.ClientStatus != row.ClientStatus) {
				d.mark(row.DeploymentID)
			}
		}
	}
}

func (d *Deployments) mark(id string) {
	d.mu.Lock()
	if d.mu.on {
		d.mu.dirty[id] = struct{}{}
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run watches the active deployments until ctx ends.
func (d *Deployments) Run(ctx context.Context) error {
	d.mu.Lock()
	d.mu.on, d.mu.dirty = true, map[string]struct{}{}
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		d.mu.on, d.mu.dirty = false, nil
		d.mu.Unlock()
	}()
	watched := map[string]*watched{}
	for row := range state.Deployments.All(d.store.Snapshot()) {
		if state.Active(row) {
			d.mark(row.ID)
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.wake:
			if run.Sleep(ctx, deploymentWindow) != nil {
				return ctx.Err()
			}
		case <-timer.C:
		}
		if next := d.round(ctx, watched); next.IsZero() {
			timer.Reset(time.Hour)
		} else {
			timer.Reset(max(0, time.Until(next)))
		}
	}
}

// watched is what is remembered of a deployment between two looks.
type watched struct {
	// healthy is the number of healthy allocations for which there was an evaluation.
	healthy int
	// deadline is when it is looked at at the latest, zero for never.
	deadline time.Time
}

// round looks at the deployments that changed or whose deadline passed, and returns the next deadline.
func (d *Deployments) round(ctx context.Context, all map[string]*watched) (next time.Time) {
	d.mu.Lock()
	dirty := d.mu.dirty
	d.mu.dirty = map[string]struct{}{}
	d.mu.Unlock()
	now := time.Now()
	for id, w := range all {
		if !w.deadline.IsZero() && !w.deadline.After(now) {
			dirty[id] = struct{}{}
		}
	}
	snap := d.store.Snapshot()
	var evals []*api.Evaluation
	for id := range dirty {
		row := state.Deployments.Get(snap, id)
		if row == nil || !state.Active(row) {
			delete(all, id)
			continue
		}
		w := all[id]
		if w == nil {
			w = &watched{}
			all[id] = w
		}
		e, err := d.sync(ctx, snap, row, w, now)
		if err != nil {
			if ctx.Err() == nil {
				d.log.Warn("could not take a deployment forward, trying again", "deployment_id", id, "error", err)
			}
			w.deadline = now.Add(deploymentRetry)
		}
		if e != nil {
			evals = append(evals, e)
		}
	}
	if len(evals) > 0 {
		if _, _, err := d.raft.Apply(ctx, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: evals})); err != nil {
			for _, e := range evals {
				all[e.DeploymentID].healthy, all[e.DeploymentID].deadline = 0, now.Add(deploymentRetry)
			}
		}
	}
	for _, w := range all {
		if !w.deadline.IsZero() && (next.IsZero() || w.deadline.Before(next)) {
			next = w.deadline
		}
	}
	return next
}

// sync decides about one deployment. What it decides is written at once; an evaluation that only has to see
// the newest state is returned.
func (d *Deployments) sync(ctx context.Context, snap *state.Snapshot, row *api.Deployment, w *watched, now time.Time) (*api.Evaluation, error) {
	w.deadline = time.Time{}
	failed, outdated := allocsOf(snap, row)
	if reason, group := hopeless(row, state.Jobs.Get(snap, row.Namespace, row.JobID), failed); reason != "" {
		return nil, d.fail(ctx, snap, row, reason, group, now)
	}
	if row.Status == api.DeploymentPaused {
		return nil, nil
	}
	by, group := progressDeadline(row)
	if !by.IsZero() && !by.After(now) {
		return nil, d.fail(ctx, snap, row, api.DeploymentDescDeadline, group, now)
	}
	w.deadline = by
	if promotes(snap, row) {
		d.log.Info("promoting canaries", "deployment_id", row.ID, "job_id", row.JobID, "namespace", row.Namespace)
		_, _, err := d.raft.Apply(ctx, fsm.DeploymentPromotion.Encode(&fsm.DeploymentPromotionRequest{
			DeploymentID: row.ID, All: true, Eval: d.eval(snap, row, now), Time: now.UnixNano(),
		}))
		return nil, err
	}
	transitions := map[string]api.DesiredTransition{}
	for _, a := range failed {
		transitions[a.ID] = api.DesiredTransition{Reschedule: new(true)}
	}
	if len(transitions) > 0 {
		_, _, err := d.raft.Apply(ctx, fsm.AllocsDesiredTransition.Encode(&fsm.AllocsDesiredTransitionRequest{
			Transitions: transitions, Evals: []*api.Evaluation{d.eval(snap, row, now)}, Time: now.UnixNano(),
		}))
		return nil, err
	}
	healthy := 0
	for _, g := range row.TaskGroups {
		healthy += g.HealthyAllocs
	}
	if healthy == w.healthy || !advances(row, outdated) {
		return nil, nil
	}
	w.healthy = healthy
	return d.eval(snap, row, now), nil
}

// advances reports whether the scheduler may have something to do now that allocations are healthy: a group
// goes on with its updates, or all are done.
func advances(row *api.Deployment, outdated bool) bool {
	done := true
	for _, g := range row.TaskGroups {
		if g.DesiredCanaries > 0 && !g.Promoted {
			return false
		}
		if g.HealthyAllocs < g.DesiredTotal {
			done = false
		}
	}
	return done || outdated
}

// allocsOf returns the allocations of the deployment that failed and are neither replaced nor let go, and
// whether the job still has allocations of other versions.
func allocsOf(snap *state.Snapshot, row *api.Deployment) (failed []*api.Allocation, outdated bool) {
	if state.Allocs.Count(snap, state.ByJob, row.Namespace, row.JobID) == state.Allocs.Live(snap, state.ByDeployment, row.ID) {
		return nil, false // all that the job has are live ones of the deployment, however many
	}
	for a := range state.Allocs.By(snap, state.ByJob, row.Namespace, row.JobID) {
		if a.ServerTerminalStatus() {
			continue
		}
		if a.Job != nil && a.Job.Version != row.JobVersion {
			outdated = true
		}
		if a.DeploymentID == row.ID && a.NextAllocation == "" && a.ClientStatus == api.AllocClientFailed &&
			!a.DesiredTransition.ShouldReschedule() {
			failed = append(failed, a)
		}
	}
	return failed, outdated
}

// hopeless reports whether an unhealthy allocation fails the deployment at once, and of which group: the job
// grants no time for another try, or its attempts are used up.
func hopeless(row *api.Deployment, job *api.Job, failed []*api.Allocation) (reason, group string) {
	for _, a := range failed {
		g, tg := row.TaskGroups[a.TaskGroup], a.Group()
		if g == nil || tg == nil {
			continue
		}
		if g.ProgressDeadline == 0 || !mayReschedule(a, tg.ReschedulePolicy) {
			return api.DeploymentDescUnhealthy, a.TaskGroup
		}
	}
	for name, g := range row.TaskGroups {
		if g != nil && g.UnhealthyAllocs > 0 && (g.ProgressDeadline == 0 || neverReplaces(row, job, name)) {
			return api.DeploymentDescUnhealthy, name
		}
	}
	return "", ""
}

// neverReplaces reports whether the job wants no other allocations of the group in place of bad ones, also of those that
// run and do not become healthy.
func neverReplaces(row *api.Deployment, job *api.Job, group string) bool {
	if job == nil || job.Version != row.JobVersion {
		return false
	}
	tg := job.LookupTaskGroup(group)
	return tg != nil && !tg.ReschedulePolicy.Enabled()
}

// mayReschedule reports whether the policy has an attempt left for the allocation.
func mayReschedule(a *api.Allocation, policy *api.ReschedulePolicy) bool {
	switch {
	case !policy.Enabled():
		return false
	case policy.UnlimitedAttempts():
		return true
	}
	tries := 0
	if a.RescheduleTracker != nil {
		since := a.ModifyTime - int64(policy.IntervalOrDefault())
		for _, e := range a.RescheduleTracker.Events {
			if e.RescheduleTime > since {
				tries++
			}
		}
	}
	return tries < policy.AttemptsOrDefault()
}

// progressDeadline returns when the deployment fails unless something becomes healthy before, and the group
// that decides; the zero time for never.
func progressDeadline(row *api.Deployment) (by time.Time, group string) {
	for name, g := range row.TaskGroups {
		if g == nil || g.RequireProgressBy == nil || g.ProgressDeadline == 0 {
			continue
		}
		target := g.DesiredTotal
		if g.DesiredCanaries > 0 && !g.Promoted {
			target = g.DesiredCanaries
		}
		if g.HealthyAllocs >= target {
			continue
		}
		if by.IsZero() || g.RequireProgressBy.Before(by) {
			by, group = *g.RequireProgressBy, name
		}
	}
	return by, group
}

// promotes reports whether all canaries are healthy and every group with canaries wants them promoted then.
func promotes(snap *state.Snapshot, row *api.Deployment) bool {
	waiting := false
	for _, g := range row.TaskGroups {
		if g == nil || g.DesiredCanaries == 0 || g.Promoted {
			continue
		}
		waiting = true
		if !g.AutoPromote {
			return false
		}
		healthy := 0
		for _, id := range g.PlacedCanaries {
			if a := state.Allocs.Get(snap, id); a != nil && !a.TerminalStatus() && a.DeploymentStatus.IsHealthy() {
				healthy++
			}
		}
		if healthy < g.DesiredCanaries {
			return false
		}
	}
	return waiting
}

// eval returns an evaluation of the deployment's job.
func (d *Deployments) eval(snap *state.Snapshot, row *api.Deployment, now time.Time) *api.Evaluation {
	e := &api.Evaluation{
		ID: api.NewID(), Namespace: row.Namespace, Priority: row.EvalPriority, Type: api.JobTypeService,
		TriggeredBy: api.TriggerDeploymentWatcher, JobID: row.JobID, DeploymentID: row.ID,
		Status: api.EvalStatusPending, CreateTime: now.UnixNano(), ModifyTime: now.UnixNano(),
	}
	if job := state.Jobs.Get(snap, row.Namespace, row.JobID); job != nil {
		e.Type = job.Type
	}
	return e
}

// fail ends the deployment and goes back to the newest stable version when the group wants that.
func (d *Deployments) fail(ctx context.Context, snap *state.Snapshot, row *api.Deployment, reason, group string, now time.Time) error {
	d.log.Info("deployment failed", "deployment_id", row.ID, "job_id", row.JobID, "namespace", row.Namespace, "reason", reason)
	req := &fsm.DeploymentStatusRequest{
		Update: &api.DeploymentStatusUpdate{DeploymentID: row.ID, Status: api.DeploymentFailed, StatusDescription: reason},
		Revert: []string{group}, TrackedVersions: d.tracked, Eval: d.eval(snap, row, now), Time: now.UnixNano(),
	}
	_, _, err := d.raft.Apply(ctx, fsm.DeploymentStatus.Encode(req))
	return ignoreGone(err)
}
