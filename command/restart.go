// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/run"
)

// restarter restarts the allocations of one job in batches. The allocations of a batch are restarted at the
// same time; mu guards what they share.
type restarter struct {
	m     *meta
	c     *client.Client
	job   *api.Job
	flags *restartFlags
	plan  *restartPlan
	mu    struct {
		sync.Mutex
		errs []error
	}
}

func (r *restarter) id(id string) string { return shortID(id, r.flags.verbose) }

func (r *restarter) stamp() string { return r.m.now().Format(time.RFC3339) }

func (r *restarter) head(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(r.m.out, r.m.paint(green, fmt.Sprintf("==> %s: %s", r.stamp(), fmt.Sprintf(format, args...))))
}

func (r *restarter) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.m.out, "    %s: %s\n", r.stamp(), fmt.Sprintf(format, args...))
}

func (r *restarter) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.errs = append(r.mu.errs, err)
}

// unanswered takes why a question has no answer: that the command is to end is no error of the restart.
func (r *restarter) unanswered(err error) {
	if _, ended := errors.AsType[exitError](err); !ended {
		r.failed(err)
	}
}

// run restarts everything and says how it went.
func (r *restarter) run(ctx context.Context) error {
	allocs, err := r.allocs(ctx)
	if err != nil {
		return err
	}
	if len(allocs) == 0 {
		fmt.Fprintln(r.m.out, "No allocations to restart")
		return nil
	}
	r.head("Restarting %s", count(len(allocs), "allocation"))
	whole := r.batches(ctx, allocs)
	switch {
	case len(r.mu.errs) > 0:
		r.head("Job restart finished with errors")
	case !whole:
		r.head("Job restart canceled")
		return nil
	default:
		r.head("Job restart finished")
		fmt.Fprintln(r.m.out, "\nJob restarted successfully!")
		return nil
	}
	var lines []string
	for _, e := range r.mu.errs {
		lines = append(lines, "* "+e.Error())
	}
	return fmt.Errorf("\n%s occurred while restarting job:\n%s", count(len(lines), "error"), strings.Join(lines, "\n"))
}

// allocs returns the running allocations that are meant, by name.
func (r *restarter) allocs(ctx context.Context) ([]*api.AllocListStub, error) {
	list, _, err := api.JobAllocations.Call(ctx, r.c, &api.JobAllocationsRequest{ReadOptions: inNamespace(r.job.Namespace), JobID: r.job.ID})
	if err != nil {
		return nil, doing("Error listing allocations", err)
	}
	list = slices.DeleteFunc(list, func(a *api.AllocListStub) bool {
		return a.ClientStatus != api.AllocClientRunning || a.DesiredStatus != api.AllocDesiredRun ||
			len(r.flags.groups) > 0 && !slices.Contains(r.flags.groups, a.TaskGroup) ||
			len(r.flags.tasks) > 0 && len(r.tasks(a)) == 0
	})
	slices.SortFunc(list, func(a, b *api.AllocListStub) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// tasks returns which of the wanted tasks an allocation has.
func (r *restarter) tasks(a *api.AllocListStub) []string {
	return slices.DeleteFunc(slices.Clone(r.flags.tasks), func(t string) bool { return a.TaskStates[t] == nil })
}

// batches restarts all batches; false means that the user or an error ended it early.
func (r *restarter) batches(ctx context.Context, allocs []*api.AllocListStub) bool {
	size := r.plan.batch(len(allocs))
	number := 0
	for batch := range slices.Chunk(allocs, size) {
		if number++; number > 1 && !r.between(ctx) {
			return false
		}
		if size > 1 && size < len(allocs) {
			r.head("Restarting %s batch of %d allocations", ordinal(number), len(batch))
		}
		before := len(r.mu.errs)
		r.batch(ctx, batch)
		last := number*size >= len(allocs)
		if len(r.mu.errs) > before && !last && !r.goOn(r.mu.errs[before:]) {
			return false
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return true
}

// batch restarts some allocations at the same time. A running deployment would replace them in the middle of it.
func (r *restarter) batch(ctx context.Context, allocs []*api.AllocListStub) {
	d, _, err := api.JobLatestDeployment.Call(ctx, r.c, &api.JobRequest{ReadOptions: inNamespace(r.job.Namespace), JobID: r.job.ID})
	switch {
	case err != nil:
		r.failed(doing("Error fetching latest deployment", err))
		return
	case d != nil && activeDeployment(d):
		r.failed(fmt.Errorf("Deployment %q is %q", r.id(d.ID), d.Status)) //nolint:staticcheck // the contract's text
		return
	}
	var wg sync.WaitGroup
	for _, a := range allocs {
		wg.Go(func() {
			work := r.inPlace
			if r.flags.reschedule {
				work = r.reschedule
			}
			if err := work(ctx, a); err != nil {
				r.failed(fmt.Errorf("Error restarting allocation %q: %w", r.id(a.ID), err)) //nolint:staticcheck // like the contract's texts
			}
		})
	}
	wg.Wait()
}

// between waits before the next batch, or asks about it; a duration for an answer holds for all that follow.
func (r *restarter) between(ctx context.Context) bool {
	for r.plan.askWait {
		answer, err := r.m.ask("==> " + r.stamp() + ": Proceed with next batch? [Y/n/<duration>]")
		if err != nil {
			r.unanswered(err)
			return false
		}
		switch strings.ToLower(answer) {
		case "", "y", "yes":
			return true
		case "n", "no":
			return false
		}
		if wait, err := time.ParseDuration(answer); err == nil && wait >= 0 {
			r.head("Proceeding restarts with new wait time of %s", wait)
			r.plan.wait, r.plan.askWait = wait, false
			break
		}
		fmt.Fprintf(r.m.out, "    %q is neither y nor n nor a duration\n", answer)
	}
	if r.plan.wait > 0 {
		r.head("Waiting %s before restarting the next batch", r.plan.wait)
	}
	return run.Sleep(ctx, r.plan.wait) == nil
}

// goOn says whether there is a next batch after errors.
func (r *restarter) goOn(errs []error) bool {
	switch r.plan.onError {
	case onErrorFail:
		return false
	case onErrorIgnore:
		return true
	}
	for _, e := range errs {
		r.note("%s", r.m.paint(red, e.Error()))
	}
	for {
		answer, err := r.m.ask("==> " + r.stamp() + ": Ignore the errors and proceed with the next batch? [y/N]")
		switch {
		case err != nil:
			r.unanswered(err)
			return false
		case answer == "" || strings.EqualFold(answer, "n") || strings.EqualFold(answer, "no"):
			return false
		case strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"):
			return true
		}
	}
}

// inPlace restarts tasks where they are and waits until the allocation runs again.
func (r *restarter) inPlace(ctx context.Context, a *api.AllocListStub) error {
	tasks := r.tasks(a)
	what := "running tasks"
	switch {
	case r.flags.allTasks:
		what = "all tasks"
	case len(tasks) == 1:
		what = fmt.Sprintf("task %q", tasks[0])
	case len(tasks) > 1:
		what = fmt.Sprintf("tasks %q", tasks)
	}
	r.note("Restarting %s in allocation %q for group %q", what, r.id(a.ID), a.TaskGroup)
	if len(tasks) == 0 {
		tasks = []string{""}
	}
	for _, t := range tasks {
		_, _, err := api.AllocRestart.Call(ctx, r.c, &api.AllocRestartRequest{
			WriteOptions: writeIn(a.Namespace), AllocID: a.ID, TaskName: t, AllTasks: r.flags.allTasks,
		})
		if err != nil {
			return err
		}
	}
	return r.runs(ctx, a.ID, false)
}

// reschedule stops an allocation and waits until its replacement runs.
func (r *restarter) reschedule(ctx context.Context, a *api.AllocListStub) error {
	r.note("Rescheduling allocation %q for group %q", r.id(a.ID), a.TaskGroup)
	_, _, err := api.AllocStop.Call(ctx, r.c, &api.AllocStopRequest{
		WriteOptions: writeIn(a.Namespace), AllocID: a.ID, NoShutdownDelay: r.flags.noDelay,
	})
	if err != nil {
		return err
	}
	if r.job.Type == api.JobTypeSystem {
		// Nobody places an allocation of a system job again before the job is looked at.
		_, _, err := api.JobEvaluate.Call(ctx, r.c, &api.JobEvaluateRequest{WriteOptions: writeIn(a.Namespace), PathID: a.JobID, JobID: a.JobID})
		if err != nil {
			return err
		}
	}
	next, err := r.replacement(ctx, a)
	if err != nil {
		return err
	}
	r.note("Allocation %q replaced by %q, waiting for %q to start running", r.id(a.ID), r.id(next), r.id(next))
	return r.runs(ctx, next, true)
}

// replacement waits for the allocation that replaces another.
func (r *restarter) replacement(ctx context.Context, a *api.AllocListStub) (string, error) {
	req := &api.JobAllocationsRequest{ReadOptions: inNamespace(a.Namespace), JobID: a.JobID}
	for {
		list, meta, err := api.JobAllocations.Call(ctx, r.c, req)
		if err != nil {
			return "", err
		}
		for _, b := range list {
			follows := b.ID == a.NextAllocation || b.Name == a.Name && b.CreateIndex > a.CreateIndex
			if r.job.Type == api.JobTypeSystem {
				follows = b.NodeID == a.NodeID && b.TaskGroup == a.TaskGroup && b.CreateIndex > a.CreateIndex
			}
			if follows && b.DesiredStatus == api.AllocDesiredRun {
				return b.ID, nil
			}
		}
		req.MinIndex, req.MaxWait = meta.Index, rolloutPoll
	}
}

// runs waits until an allocation runs; tell says so.
func (r *restarter) runs(ctx context.Context, id string, tell bool) error {
	req := &api.AllocRequest{ReadOptions: inNamespace(r.job.Namespace), AllocID: id}
	for {
		a, meta, err := api.AllocGet.Call(ctx, r.c, req)
		switch {
		case err != nil:
			return err
		case a.ClientTerminalStatus() || a.ServerTerminalStatus():
			return fmt.Errorf("allocation %q is %q instead of running", r.id(id), a.ClientStatus)
		case a.ClientStatus == api.AllocClientRunning:
			if tell {
				r.note("Allocation %q is %q", r.id(id), a.ClientStatus)
			}
			return nil
		}
		req.MinIndex, req.MaxWait = meta.Index, rolloutPoll
	}
}

// ordinal spells a number as 1st, 2nd, 3rd, 4th.
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}
