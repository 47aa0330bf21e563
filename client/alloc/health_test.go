// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/statedb"
)

func pendingHandle(id string) *statedb.TaskHandle { return &statedb.TaskHandle{Pending: id} }

func TestHealth(t *testing.T) {
	const never = -1
	for name, tc := range map[string]struct {
		tasks      []*api.Task
		check      string
		deployment string
		migrate    bool
		at         time.Duration // of the verdict
		healthy    bool
		event      string
	}{
		"healthy": {tasks: []*api.Task{tk("t")}, deployment: "d", at: 10 * time.Second, healthy: true},
		"after the start of the last task": {
			tasks:      []*api.Task{hooked(tk("init", "run_for=20s"), api.HookPrestart, false), tk("t"), hooked(tk("hi", "run_for=1s"), api.HookPoststart, false), hooked(tk("bye"), api.HookPoststop, false)},
			deployment: "d", at: 30 * time.Second, healthy: true,
		},
		"a restart begins anew": {tasks: []*api.Task{tk("t", "run_for=5s", "run_for_once=true", "exit_code=1")}, deployment: "d", at: 30 * time.Second, healthy: true},
		"a failed task":         {tasks: []*api.Task{tk("t", "start_error=no")}, deployment: "d", at: 0, event: "Alloc Unhealthy: Unhealthy because of failed task"},
		"never up":              {tasks: []*api.Task{tk("t", "start_takes=1h")}, deployment: "d", at: time.Minute, event: "Alloc Unhealthy: Task not running by deadline"},
		"up too late": {
			tasks: []*api.Task{tk("t", "start_takes=55s")}, deployment: "d", at: time.Minute,
			event: "Alloc Unhealthy: Task not running for min_healthy_time of 10s by deadline",
		},
		"manual":        {tasks: []*api.Task{tk("t")}, check: api.HealthManual, deployment: "d", at: never},
		"no deployment": {tasks: []*api.Task{tk("t")}, at: never},
		"migration":     {tasks: []*api.Task{tk("t")}, migrate: true, at: 7 * time.Second, healthy: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				j := job(api.JobTypeService, tc.tasks...)
				j.TaskGroups[0].Update = &api.UpdateStrategy{
					HealthCheck: tc.check, MinHealthyTime: new(10 * time.Second), HealthyDeadline: new(time.Minute),
				}
				if tc.migrate {
					j.TaskGroups[0].Migrate = &api.Migrate{MinHealthyTime: new(7 * time.Second)}
				}
				a := allocation(j)
				a.DeploymentID = tc.deployment
				a.DeploymentStatus = &api.AllocDeploymentStatus{Canary: true}
				begin := time.Now()
				r := b.run(a)
				pass(2 * time.Hour)
				got := r.Report().DeploymentStatus
				if tc.at == never {
					if got != nil {
						t.Errorf("verdict %+v, want none", got)
					}
					return
				}
				if got == nil || *got.Healthy != tc.healthy || got.Timestamp.Sub(begin) != tc.at || !got.Canary {
					t.Fatalf("verdict %+v after %v, want healthy %t after %v", got, got.Timestamp.Sub(begin), tc.healthy, tc.at)
				}
				if !strings.Contains(events(r, "t"), tc.event) {
					t.Errorf("events\n%s\nlack %q", events(r, "t"), tc.event)
				}
				if r = b.restart(); r.Report().DeploymentStatus == nil || *r.Report().DeploymentStatus.Healthy != tc.healthy {
					t.Error("the verdict did not survive the restart of the agent")
				}
			})
		})
	}
}

func TestHealthOfTheNextDeployment(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		j := job(api.JobTypeService, tk("t"))
		j.TaskGroups[0].Update = &api.UpdateStrategy{MinHealthyTime: new(10 * time.Second), HealthyDeadline: new(time.Minute)}
		a := allocation(j)
		a.DeploymentID = "one"
		r := b.run(a)
		pass(time.Hour)
		next := *r.Alloc()
		next.DeploymentID, next.AllocModifyIndex = "two", next.AllocModifyIndex+1
		before := time.Now()
		r.Update(&next)
		pass(time.Minute)
		got := r.Report()
		if got.DeploymentID != "two" || got.DeploymentStatus == nil || !*got.DeploymentStatus.Healthy || got.DeploymentStatus.Timestamp.Before(before) {
			t.Errorf("verdict for the second deployment: %+v", got.DeploymentStatus)
		}
	})
}
