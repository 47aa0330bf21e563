// SPDX-License-Identifier: MPL-2.0

package task

import (
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

func restartPolicy(attempts int, interval, delay time.Duration, mode string) *api.RestartPolicy {
	return &api.RestartPolicy{Attempts: &attempts, Interval: &interval, Delay: &delay, Mode: mode}
}

func TestRestartPolicy(t *testing.T) {
	const min = time.Minute
	fails, succeeds := outcome{recoverable: true}, outcome{succeeded: true, recoverable: true}
	type try struct {
		after  time.Duration // since the last one
		o      outcome
		want   decision
		delay  time.Duration
		reason string
	}
	for name, tc := range map[string]struct {
		job    string
		task   *api.Task
		policy *api.RestartPolicy
		tries  []try
	}{
		"within policy, then fail": {api.JobTypeService, &api.Task{}, restartPolicy(2, 10*min, 15*time.Second, "fail"), []try{
			{0, fails, restart, 15 * time.Second, reasonWithinPolicy},
			{min, fails, restart, 15 * time.Second, reasonWithinPolicy},
			{min, fails, failed, 0, `Exceeded allowed attempts 2 in interval 10m0s and mode is "fail"`},
		}},
		"a new interval counts anew": {api.JobTypeService, &api.Task{}, restartPolicy(1, 10*min, time.Second, "fail"), []try{
			{9 * min, fails, restart, time.Second, reasonWithinPolicy},
			{min, fails, restart, time.Second, reasonWithinPolicy},
			{9 * min, fails, failed, 0, `Exceeded allowed attempts 1 in interval 10m0s and mode is "fail"`},
		}},
		"delay waits for the next interval": {api.JobTypeService, &api.Task{}, restartPolicy(1, 10*min, time.Second, "delay"), []try{
			{0, fails, restart, time.Second, reasonWithinPolicy},
			{min, fails, restart, 9 * min, "Exceeded allowed attempts 1 in interval 10m0s, applying a delay"},
			{9 * min, fails, restart, time.Second, reasonWithinPolicy},
		}},
		"a service restarts on success, and that counts": {api.JobTypeService, &api.Task{}, restartPolicy(1, 10*min, time.Second, "fail"), []try{
			{0, succeeds, restart, time.Second, reasonWithinPolicy},
			{min, succeeds, failed, 0, `Exceeded allowed attempts 1 in interval 10m0s and mode is "fail"`},
		}},
		"a batch task that succeeds has ended":    {api.JobTypeBatch, &api.Task{}, nil, []try{{0, succeeds, terminated, 0, ""}}},
		"a sysbatch task that succeeds has ended": {api.JobTypeSysBatch, &api.Task{}, nil, []try{{0, succeeds, terminated, 0, ""}}},
		"a batch task that fails has three tries": {api.JobTypeBatch, &api.Task{}, nil, []try{
			{0, fails, restart, 15 * time.Second, reasonWithinPolicy},
			{min, fails, restart, 15 * time.Second, reasonWithinPolicy},
			{min, fails, restart, 15 * time.Second, reasonWithinPolicy},
			{min, fails, failed, 0, `Exceeded allowed attempts 3 in interval 24h0m0s and mode is "fail"`},
		}},
		"no attempts": {api.JobTypeService, &api.Task{}, restartPolicy(0, 10*min, time.Second, "fail"), []try{
			{0, succeeds, failed, 0, reasonNoRestarts},
		}},
		"no attempts, batch": {api.JobTypeBatch, &api.Task{}, restartPolicy(0, 10*min, time.Second, "fail"), []try{
			{0, succeeds, terminated, 0, ""}, {0, fails, failed, 0, reasonNoRestarts},
		}},
		"a request is neither counted nor delayed": {api.JobTypeService, &api.Task{}, restartPolicy(1, 10*min, time.Minute, "fail"), []try{
			{0, outcome{requested: true}, restart, 0, ""},
			{0, outcome{requested: true, succeeded: true}, restart, 0, ""},
			{0, fails, restart, time.Minute, reasonWithinPolicy},
		}},
		"an unrecoverable error": {api.JobTypeService, &api.Task{}, nil, []try{{0, outcome{}, failed, 0, reasonUnrecoverable}}},
		"the policy of the task wins": {api.JobTypeService, &api.Task{RestartPolicy: restartPolicy(0, min, 0, "fail")}, restartPolicy(5, min, 0, "fail"), []try{
			{0, fails, failed, 0, reasonNoRestarts},
		}},
		"prestart": {api.JobTypeService, &api.Task{Lifecycle: &api.Lifecycle{Hook: api.HookPrestart}}, nil, []try{{0, succeeds, terminated, 0, ""}}},
		"prestart sidecar": {api.JobTypeBatch, &api.Task{Lifecycle: &api.Lifecycle{Hook: api.HookPrestart, Sidecar: true}}, nil, []try{
			{0, succeeds, restart, 15 * time.Second, reasonWithinPolicy},
		}},
		"poststop": {api.JobTypeService, &api.Task{Lifecycle: &api.Lifecycle{Hook: api.HookPoststop}}, nil, []try{{0, succeeds, terminated, 0, ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPolicy(func() float64 { return 0 })
			p.configure(&api.Job{Type: tc.job}, &api.TaskGroup{RestartPolicy: tc.policy}, tc.task)
			now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
			p.started(now)
			for i, try := range tc.tries {
				now = now.Add(try.after)
				what, delay, reason := p.next(try.o, now)
				if what != try.want || delay != try.delay || reason != try.reason {
					t.Errorf("try %d: %v after %v, %q, want %v after %v, %q", i, what, delay, reason, try.want, try.delay, try.reason)
				}
			}
		})
	}
}

func TestRestartDelayHasJitter(t *testing.T) {
	for random, want := range map[float64]time.Duration{0: 20 * time.Second, 0.5: 22500 * time.Millisecond, 0.999999: 24999995 * time.Microsecond} {
		p := newPolicy(func() float64 { return random })
		p.configure(nil, &api.TaskGroup{RestartPolicy: restartPolicy(1, time.Minute, 20*time.Second, "fail")}, &api.Task{})
		if _, delay, _ := p.next(outcome{recoverable: true}, time.Now()); delay != want {
			t.Errorf("random %v gives %v, want %v", random, delay, want)
		}
	}
}
