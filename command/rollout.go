// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// rolloutPoll bounds one blocking query of a rollout.
const rolloutPoll = 5 * time.Second

// patience is how long a rollout may make no progress when its job does not say (progress_deadline).
const patience = 10 * time.Minute

// rolloutView is what a rollout has come to.
type rolloutView struct {
	job   *api.Job
	stubs []*api.AllocListStub
	evals []*api.Evaluation
	err   error
}

// followRollout reports the allocations of the job's version until as many run as the job wants. It fails
// when one of them fails, when the rest cannot be placed, when the job changes, and when nothing happens for
// the progress deadline.
//
// Compat: the reference follows a deployment here; a job without one is followed all the same.
func (o *monitor) followRollout(ctx context.Context, ev *api.Evaluation) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	views := make(chan rolloutView)
	go o.watchRollout(ctx, ev, views)
	var tick <-chan time.Time
	if o.m.terminal() {
		t := time.NewTicker(spin)
		defer t.Stop()
		tick = t.C
	}
	var lines []string
	progressed, started := o.m.now(), -1
	for {
		select {
		case <-ctx.Done():
			o.live.leave()
			return exitError(1)
		case <-tick:
			o.live.draw(lines)
			continue
		case v := <-views:
			if v.err != nil {
				o.live.leave()
				if ctx.Err() != nil {
					return exitError(1)
				}
				return v.err
			}
			r := newRollout(v, ev)
			for _, a := range r.ours {
				if o.allocs[a.ID] == nil && a.CreateIndex < ev.CreateIndex {
					o.allocs[a.ID] = a // it ran before and goes on
				}
			}
			o.created(r.ours, ev.CreateIndex)
			o.changed(r.ours)
			if done, err := o.verdict(r, ev); done {
				return err
			}
			if n := r.total(); n != started {
				started, progressed = n, o.m.now()
			}
			if o.m.now().Sub(progressed) > r.patience() {
				o.head("Job %q made no progress for %s: %d of %d allocations started", v.job.ID, r.patience(), r.total(), r.wanted())
				return exitError(1)
			}
			lines = o.rolloutLines(r)
			o.live.draw(lines)
		}
	}
}

// watchRollout sends what the job has come to after each change, until ctx ends.
func (o *monitor) watchRollout(ctx context.Context, ev *api.Evaluation, views chan<- rolloutView) {
	req := &api.JobAllocationsRequest{JobID: ev.JobID}
	req.Namespace = ev.Namespace
	read := api.JobRequest{JobID: ev.JobID}
	read.Namespace = ev.Namespace
	for {
		var v rolloutView
		var meta *api.Meta
		v.stubs, meta, v.err = api.JobAllocations.Call(ctx, o.c, req)
		if v.err == nil {
			v.job, _, v.err = api.JobGet.Call(ctx, o.c, &read)
		}
		if v.err == nil {
			v.evals, _, v.err = api.JobEvaluations.Call(ctx, o.c, &read)
		}
		if v.err != nil {
			v.err = fmt.Errorf("Error following job: %w", v.err) //nolint:staticcheck // like the contract's texts
		}
		select {
		case views <- v:
		case <-ctx.Done():
			return
		}
		if v.err != nil {
			return
		}
		req.MinIndex, req.MaxWait = meta.Index, rolloutPoll
	}
}

// rollout counts the allocations of one job version.
type rollout struct {
	job *api.Job
	// ours are the allocations of the version that should run, or that failed since the evaluation.
	ours    []*api.AllocListStub
	groups  map[string]*rolloutGroup
	failed  *api.AllocListStub
	blocked *api.Evaluation
}

// rolloutGroup counts one group: wanted, placed with the version, started of these, and older ones left.
type rolloutGroup struct{ wanted, placed, started, older int }

func newRollout(v rolloutView, ev *api.Evaluation) *rollout {
	r := &rollout{job: v.job, groups: map[string]*rolloutGroup{}}
	for _, g := range v.job.TaskGroups {
		r.groups[g.Name] = &rolloutGroup{wanted: api.Or(g.Count, 1)}
	}
	for _, a := range v.stubs {
		g := r.groups[a.TaskGroup]
		switch {
		case g == nil:
		case a.JobVersion != v.job.Version:
			if a.DesiredStatus == api.AllocDesiredRun && a.ClientStatus == api.AllocClientRunning {
				g.older++
			}
		case a.ClientStatus == api.AllocClientFailed && a.CreateIndex >= ev.CreateIndex:
			r.ours = append(r.ours, a)
			r.failed = a
		case a.DesiredStatus == api.AllocDesiredRun:
			r.ours = append(r.ours, a)
			g.placed++
			if a.ClientStatus == api.AllocClientRunning || a.ClientStatus == api.AllocClientComplete {
				g.started++
			}
		}
	}
	for _, e := range v.evals {
		if e.CreateIndex >= ev.CreateIndex && len(e.FailedTGAllocs) > 0 && (r.blocked == nil || e.CreateIndex > r.blocked.CreateIndex) {
			r.blocked = e
		}
	}
	return r
}

func (r *rollout) total() (n int) {
	for _, g := range r.groups {
		n += min(g.started, g.wanted)
	}
	return n
}

func (r *rollout) wanted() (n int) {
	for _, g := range r.groups {
		n += g.wanted
	}
	return n
}

// patience is the longest progress deadline of the groups.
func (r *rollout) patience() time.Duration {
	var longest time.Duration
	for _, g := range r.job.TaskGroups {
		if g.Update != nil {
			longest = max(longest, api.Val(g.Update.ProgressDeadline))
		}
	}
	if longest == 0 {
		longest = patience
	}
	return longest
}

// verdict says whether the rollout is over, and prints how it ended.
func (o *monitor) verdict(r *rollout, ev *api.Evaluation) (bool, error) {
	id := r.job.ID
	switch {
	case r.job.JobModifyIndex > ev.JobModifyIndex:
		o.head("Job %q was changed again, to version %d", id, r.job.Version)
		return true, exitError(1)
	case r.total() == r.wanted():
		return true, nil
	case r.failed != nil:
		o.head("Job %q failed: %d of %d allocations started; see %q", id, r.total(), r.wanted(), name+" alloc status "+o.id(r.failed.ID))
		return true, exitError(1)
	case r.blocked != nil:
		o.head("Job %q failed to place all allocations:", id)
		o.reasons(r.blocked)
		return true, exitError(2)
	}
	return false, nil
}

func (o *monitor) rolloutLines(r *rollout) []string {
	var lines []string
	width := 0
	for n := range r.groups {
		width = max(width, len(n))
	}
	for _, n := range sortedKeys(r.groups) {
		g := r.groups[n]
		line := fmt.Sprintf("%-*s %s %d/%d started", width, n, o.live.bar(g.started, g.wanted), g.started, g.wanted)
		if g.older > 0 {
			line += fmt.Sprintf(", %d older to replace", g.older)
		}
		lines = append(lines, line)
	}
	return lines
}

// ends are the states of a deployment after which it is not followed any more.
var ends = []string{api.DeploymentSuccessful, api.DeploymentFailed, api.DeploymentCancelled, "blocked"}

// rollbackWait is when the deployment that rolls a failed one back is looked up.
const rollbackWait = time.Second

// deployment reports a deployment until it ends (cli.md 2.1). Anything but success is status 1, or unplaced when
// that is not 0. The deployment that rolls back a failed one is followed too; the status stays the failed one's.
func (o *monitor) deployment(ctx context.Context, id, namespace string, unplaced int) error {
	defer o.live.clear()
	d, err := o.followDeployment(ctx, id, namespace)
	switch {
	case err != nil:
		return err
	case d.Status == api.DeploymentSuccessful:
		return nil
	case d.Status == api.DeploymentFailed && reverts(d):
		if err := o.rollback(ctx, d); err != nil {
			return err
		}
	}
	return exitError(max(1, unplaced))
}

// reverts says whether a failed deployment may be rolled back.
func reverts(d *api.Deployment) bool {
	for _, g := range d.TaskGroups {
		if g.AutoRevert {
			return true
		}
	}
	return false
}

// rollback follows the deployment that came after a failed one, if there is one.
func (o *monitor) rollback(ctx context.Context, failed *api.Deployment) error {
	if run.Sleep(ctx, rollbackWait) != nil {
		return exitError(1)
	}
	next, _, err := api.JobLatestDeployment.Call(ctx, o.c, &api.JobRequest{ReadOptions: inNamespace(failed.Namespace), JobID: failed.JobID})
	if err != nil {
		return doing("Error fetching deployment", err)
	}
	if next == nil || next.ID == failed.ID {
		return nil
	}
	_, err = o.followDeployment(ctx, next.ID, next.Namespace)
	return err
}

// deploymentView is what a deployment has come to, as it is and as it is shown.
type deploymentView struct {
	d    *api.Deployment
	text string
	err  error
}

// watchDeployment sends what the deployment has come to after each change and after each wait, until it fails or
// ctx ends.
func (o *monitor) watchDeployment(ctx context.Context, id, namespace string, views chan<- deploymentView) {
	req := &api.DeploymentRequest{ReadOptions: inNamespace(namespace), DeploymentID: id}
	for {
		var v deploymentView
		var meta *api.Meta
		v.d, meta, v.err = api.DeploymentGet.Call(ctx, o.c, req)
		if v.err == nil {
			v.text, v.err = deploymentBlock(ctx, o.m, o.c, v.d, o.verbose)
		}
		select {
		case views <- v:
		case <-ctx.Done():
			return
		}
		if v.err != nil {
			return
		}
		req.MinIndex, req.MaxWait = meta.Index, rolloutPoll
		if o.wait > 0 {
			req.MaxWait = o.wait
		}
	}
}

// followDeployment prints each change of a deployment until it ends; a terminal shows the present state in place.
func (o *monitor) followDeployment(ctx context.Context, id, namespace string) (*api.Deployment, error) {
	o.head("Monitoring deployment %q", o.id(id))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	views := make(chan deploymentView)
	go o.watchDeployment(ctx, id, namespace, views)
	var tick <-chan time.Time
	if o.m.terminal() {
		t := time.NewTicker(spin)
		defer t.Stop()
		tick = t.C
	}
	shown, since := "", ""
	for {
		select {
		case <-ctx.Done():
			o.live.leave()
			return nil, exitError(1)
		case <-tick:
			if shown != "" {
				o.live.drawUnder(fmt.Sprintf("Deployment %q in progress...", o.id(id)), append([]string{since}, strings.Split(shown, "\n")...))
			}
		case v := <-views:
			if v.err != nil {
				o.live.leave()
				if ctx.Err() != nil {
					return nil, exitError(1)
				}
				return nil, doing("Error fetching deployment", v.err)
			}
			over := slices.Contains(ends, v.d.Status)
			if v.text != shown {
				since = o.stamp()
			}
			switch {
			case tick == nil && (v.text != shown || over):
				fmt.Fprintf(o.m.out, "%s\n%s\n%s\n", margin, since, v.text)
			case tick != nil && over:
				o.live.clear()
				fmt.Fprintln(o.m.out, o.outcome(v.d)+"\n\n"+indent(since+"\n"+v.text, margin))
			}
			if shown = v.text; over {
				return v.d, nil
			}
		}
	}
}

// outcome is the line of a terminal about how a deployment ended.
func (o *monitor) outcome(d *api.Deployment) string {
	mark := o.m.paint(red, "!")
	if d.Status == api.DeploymentSuccessful {
		mark = o.m.paint(green, "✓")
	}
	return fmt.Sprintf("  %s Deployment %q %s", mark, o.id(d.ID), d.Status)
}

// deploymentText describes a deployment and its groups.
func deploymentText(m *meta, d *api.Deployment, verbose bool) string {
	keys := pairs("ID", shortID(d.ID, verbose), "Job ID", d.JobID, "Job Version", strconv.FormatUint(d.JobVersion, 10),
		"Status", d.Status, "Description", d.StatusDescription)
	return keys + "\n\n" + m.paint(bold, "Deployed") + "\n" + columns(deployedRows(d))
}

// deployedRows shows each group; columns of what no group uses are left out.
func deployedRows(d *api.Deployment) [][]string {
	var revert, canaries bool
	for _, g := range d.TaskGroups {
		revert = revert || g.AutoRevert
		canaries = canaries || g.DesiredCanaries > 0
	}
	head := []string{"Task Group"}
	add := func(on bool, title string) {
		if on {
			head = append(head, title)
		}
	}
	add(revert, "Auto Revert")
	add(canaries, "Promoted")
	add(true, "Desired")
	add(canaries, "Canaries")
	rows := [][]string{append(head, "Placed", "Healthy", "Unhealthy", "Progress Deadline")}
	for _, n := range sortedKeys(d.TaskGroups) {
		g := d.TaskGroups[n]
		row := []string{n}
		if revert {
			row = append(row, strconv.FormatBool(g.AutoRevert))
		}
		if canaries {
			promoted := "N/A"
			if g.DesiredCanaries > 0 {
				promoted = strconv.FormatBool(g.Promoted)
			}
			row = append(row, promoted)
		}
		row = append(row, strconv.Itoa(g.DesiredTotal))
		if canaries {
			row = append(row, strconv.Itoa(g.DesiredCanaries))
		}
		by := "N/A"
		if g.RequireProgressBy != nil && !g.RequireProgressBy.IsZero() {
			by = g.RequireProgressBy.Local().Format(time.RFC3339)
		}
		rows = append(rows, append(row, strconv.Itoa(g.PlacedAllocs), strconv.Itoa(g.HealthyAllocs), strconv.Itoa(g.UnhealthyAllocs), by))
	}
	return rows
}
