// SPDX-License-Identifier: MPL-2.0

package task

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Reasons for restarting or not.
const (
	reasonNoRestarts    = "Policy allows no restarts"
	reasonUnrecoverable = "Error was unrecoverable"
	reasonWithinPolicy  = "Restart within policy"
)

// decision is what becomes of a task that has ended.
type decision uint8

const (
	// terminated is the end of a task that did its work.
	terminated decision = iota + 1
	// failed is the end of one that did not.
	failed
	// restart starts it again after a delay.
	restart
)

// outcome is how an attempt to run a task ended.
type outcome struct {
	// succeeded says that the task ran and exited without error.
	succeeded bool
	// recoverable says that an attempt that did not even start may work another time.
	recoverable bool
	// requested says that somebody asked for the restart.
	requested bool
}

// policy applies the restart block of one task (runtime.md 4.5).
type policy struct {
	attempts int
	interval time.Duration
	delay    time.Duration
	mode     string
	// onSuccess restarts tasks that exit without error.
	onSuccess bool

	// since is when the interval began, count how many restarts it has seen.
	since time.Time
	count int
	// random returns a number in [0,1).
	random func() float64
}

func newPolicy(random func() float64) *policy {
	if random == nil {
		random = rand.Float64
	}
	return &policy{random: random}
}

// configure takes the settings of the job and leaves the counters.
func (p *policy) configure(job *api.Job, group *api.TaskGroup, t *api.Task) {
	r := t.RestartPolicy
	if r == nil && group != nil {
		r = group.RestartPolicy
	}
	if r == nil {
		r = &api.RestartPolicy{}
	}
	p.attempts, p.interval = 2, 30*time.Minute
	if job != nil && (job.Type == api.JobTypeBatch || job.Type == api.JobTypeSysBatch) {
		p.attempts, p.interval = 3, 24*time.Hour
	}
	p.attempts = api.Or(r.Attempts, p.attempts)
	p.interval = api.Or(r.Interval, p.interval)
	p.delay = api.Or(r.Delay, 15*time.Second)
	p.mode = r.Mode
	p.onSuccess = restartsOnSuccess(job, t)
}

// restartsOnSuccess tells tasks that should always run from those that have an end.
func restartsOnSuccess(job *api.Job, t *api.Task) bool {
	if !t.IsMain() {
		return t.IsSidecar() && t.Hook() != api.HookPoststop
	}
	return job == nil || job.Type == api.JobTypeService || job.Type == api.JobTypeSystem
}

// next decides what follows. For restart it returns the delay.
func (p *policy) next(o outcome, now time.Time) (decision, time.Duration, string) {
	if o.requested {
		return restart, 0, ""
	}
	if o.succeeded && !p.onSuccess {
		return terminated, 0, ""
	}
	if p.attempts == 0 {
		return failed, 0, reasonNoRestarts
	}
	if !o.succeeded && !o.recoverable {
		return failed, 0, reasonUnrecoverable
	}
	if p.since.IsZero() || now.Sub(p.since) >= p.interval {
		p.since, p.count = now, 0
	}
	p.count++
	if p.count <= p.attempts {
		return restart, p.jittered(), reasonWithinPolicy
	}
	if p.mode == api.RestartModeDelay {
		wait := max(p.since.Add(p.interval).Sub(now), 0)
		return restart, wait, fmt.Sprintf("Exceeded allowed attempts %d in interval %v, applying a delay", p.attempts, p.interval)
	}
	return failed, 0, fmt.Sprintf("Exceeded allowed attempts %d in interval %v and mode is %q", p.attempts, p.interval, api.RestartModeFail)
}

// started begins the first interval.
func (p *policy) started(now time.Time) {
	if p.since.IsZero() {
		p.since = now
	}
}

func (p *policy) jittered() time.Duration {
	return p.delay + time.Duration(p.random()*0.25*float64(p.delay))
}
