// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/cron"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const (
	// launchRetry is the wait after a launch that could not be written.
	launchRetry = time.Second
	// farthest bounds how long a timer sleeps, so that a clock that was set meanwhile is noticed.
	farthest = time.Minute
	// setBack is how far a clock may be set back before launches that were made already are made again.
	setBack = 3 * time.Hour
)

// Periodic launches the children of periodic jobs (scheduler.md 12). It follows the jobs that the clock
// launches now, and the last launch of each that is written with the launch: what was due while there was
// no leader is made up for by the last of the missed launches.
type Periodic struct {
	store *state.Store
	raft  Raft
	log   hclog.Logger
}

// NewPeriodic returns a controller that does nothing yet.
func NewPeriodic(store *state.Store, raft Raft, log hclog.Logger) *Periodic {
	return &Periodic{store: store, raft: raft, log: log.Named("periodic")}
}

// tracked is a job that the clock launches.
type tracked struct {
	job      *api.Job
	schedule *cron.Schedule
	// last is the last launch that was looked at, or when the job began to follow its schedule; next is the one after
	// it, zero when there is none any more.
	last, next time.Time
	seen       bool
}

type jobKey struct{ namespace, id string }

// Run launches jobs until ctx ends.
func (p *Periodic) Run(ctx context.Context) error {
	jobs := map[jobKey]*tracked{}
	for {
		tx := p.store.Read()
		p.track(tx, jobs)
		next, failed := p.launchDue(ctx, jobs, time.Now())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case failed != nil:
			p.log.Warn("periodic job could not be launched, trying again", "error", failed)
			next = time.Now().Add(launchRetry)
		}
		if err := p.sleep(ctx, tx, next); err != nil {
			return err
		}
	}
}

// sleep waits for the next launch, for ever when that is zero, and for changes of periodic jobs.
func (p *Periodic) sleep(ctx context.Context, tx *state.Tx, next time.Time) error {
	wait := farthest
	if !next.IsZero() {
		wait = min(wait, max(0, time.Until(next)))
	}
	until, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := tx.Watch(until); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// track brings the tracked jobs in line with the state.
func (p *Periodic) track(tx *state.Tx, jobs map[jobKey]*tracked) {
	for _, t := range jobs {
		t.seen = false
	}
	for j := range state.Jobs.By(tx, state.ByPeriodic, state.PeriodicKey) {
		key := jobKey{j.Namespace, j.ID}
		t := jobs[key]
		if t != nil && t.job.JobModifyIndex == j.JobModifyIndex {
			t.job, t.seen = j, true
			continue
		}
		schedule, err := cron.New(j.Periodic)
		if err != nil {
			// It was checked at registration, by another version of this program maybe.
			p.log.Error("periodic job has no schedule that can be read", "job_id", j.ID, "namespace", j.Namespace, "error", err)
			schedule = &cron.Schedule{}
		}
		t = &tracked{job: j, schedule: schedule, seen: true}
		t.looked(p.lastLaunch(tx, j))
		jobs[key] = t
	}
	for key, t := range jobs {
		if !t.seen {
			delete(jobs, key)
		}
	}
}

// looked goes on to the launch after one.
func (t *tracked) looked(last time.Time) { t.last, t.next = last, t.schedule.Next(last) }

// lastLaunch returns when the job was last launched, or began to follow its schedule.
func (p *Periodic) lastLaunch(tx *state.Tx, j *api.Job) time.Time {
	last := j.SubmitTime
	if l := state.PeriodicLaunches.Get(tx.Unrecorded(), j.Namespace, j.ID); l != nil {
		last = l.Launch
	}
	return time.Unix(0, last)
}

// launchDue launches every job whose time has come and returns the time of the next launch of any job.
func (p *Periodic) launchDue(ctx context.Context, jobs map[jobKey]*tracked, now time.Time) (next time.Time, failed error) {
	for _, t := range jobs {
		if t.last.After(now.Add(setBack)) {
			t.looked(now) // that clock was wrong, and nobody waits until this one shows the same
		}
		if t.next.IsZero() {
			continue
		}
		if !t.next.After(now) {
			// Of several that were missed, the last one counts.
			due := t.next
			if last := t.schedule.Last(due, now); !last.IsZero() {
				due = last
			}
			if err := p.launch(ctx, t.job, due, now); err != nil {
				failed = fmt.Errorf("launch job %q of namespace %q: %w", t.job.ID, t.job.Namespace, err)
				continue
			}
			if t.looked(due); t.next.IsZero() {
				continue
			}
		}
		if next.IsZero() || t.next.Before(next) {
			next = t.next
		}
	}
	return next, failed
}

// launch writes the child of a launch. With prohibit_overlap there is none while another child lives; the
// launch counts as looked at all the same.
func (p *Periodic) launch(ctx context.Context, j *api.Job, due, now time.Time) error {
	req := &fsm.PeriodicLaunchRequest{Namespace: j.Namespace, ParentID: j.ID, Launch: due.UnixNano()}
	if running := p.livingChild(j); running != "" && j.Periodic.ProhibitOverlap {
		p.log.Debug("periodic job is not launched, because another launch still runs", "job_id", j.ID, "namespace", j.Namespace, "child", running)
	} else {
		child := j.PeriodicChild(due)
		child.SubmitTime = now.UnixNano()
		req.Job = child
		req.Eval = &api.Evaluation{
			ID: api.NewID(), Namespace: child.Namespace, JobID: child.ID, Type: child.Type, Priority: child.PriorityOrDefault(),
			TriggeredBy: api.TriggerPeriodicJob, Status: api.EvalStatusPending, CreateTime: now.UnixNano(), ModifyTime: now.UnixNano(),
		}
		p.log.Debug("launching periodic job", "job_id", j.ID, "namespace", j.Namespace, "child", child.ID)
	}
	_, _, err := p.raft.Apply(ctx, fsm.PeriodicLaunch.Encode(req))
	if api.IsClass(err, api.ClassInvalid) {
		return nil // it was stopped meanwhile
	}
	return err
}

// livingChild returns the ID of a child that is not dead, "" when there is none.
func (p *Periodic) livingChild(j *api.Job) string {
	for child := range state.Jobs.By(p.store.Snapshot(), state.ByParent, j.Namespace, j.ID) {
		if child.Status != api.JobStatusDead {
			return child.ID
		}
	}
	return ""
}
