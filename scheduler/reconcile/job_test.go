// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// reconcileCase is a group of count 3 with one allocation for each entry: "index status [flag…]".
type reconcileCase struct {
	name   string
	batch  bool
	allocs []string
	edit   func(in *Input)
	want   string
}

func testAllocs(t *testing.T, specs []string, oldJob, newJob *api.Job) []*api.Allocation {
	var out []*api.Allocation
	for i, spec := range specs {
		fields := strings.Fields(spec)
		a := &api.Allocation{
			ID: fmt.Sprintf("id-%d", i), Name: "job.app[" + fields[0] + "]", TaskGroup: "app", NodeID: "ready", Job: newJob,
			ClientStatus: fields[1], DesiredStatus: api.AllocDesiredRun, CreateIndex: uint64(i), ModifyTime: epoch.Add(-1000 * time.Second).UnixNano(),
		}
		for _, flag := range fields[2:] {
			switch flag {
			case "old":
				a.Job = oldJob
			case "stop":
				a.DesiredStatus = api.AllocDesiredStop
			case "migrate":
				a.DesiredTransition.Migrate = new(true)
			case "quiet":
				a.DesiredTransition.MigrateDisablePlacement = new(true)
			case "next":
				a.NextAllocation = "x"
			case "healthy":
				a.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: new(true)}
			case "unhealthy":
				a.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: new(false)}
			case "canary":
				a.DeploymentStatus = &api.AllocDeploymentStatus{Canary: true}
			case "deployed":
				a.DeploymentID = "d"
			case "down", "gone", "disconnected":
				a.NodeID = flag
			default:
				t.Fatalf("unknown flag %q", flag)
			}
		}
		out = append(out, a)
	}
	return out
}

func (c reconcileCase) run(t *testing.T) {
	group := func(env string) *api.TaskGroup {
		return &api.TaskGroup{
			Name: "app", Count: new(3),
			ReschedulePolicy: &api.ReschedulePolicy{Unlimited: new(true), Delay: new(time.Duration(0))},
			Tasks:            []*api.Task{{Name: "main", Env: map[string]string{"E": env}, Resources: &api.Resources{}}},
		}
	}
	oldJob := &api.Job{ID: "job", Version: 1, TaskGroups: []*api.TaskGroup{group("a")}}
	newJob := &api.Job{ID: "job", Version: 2, TaskGroups: []*api.TaskGroup{group("b")}}
	in := Input{
		Job: newJob, IsBatch: c.batch, Now: epoch, EvalID: "eval",
		Node: func(id string) *api.Node {
			if id == "gone" {
				return nil
			}
			return &api.Node{ID: id, Status: id}
		},
		FitsInPlace: func(*api.Allocation, *api.TaskGroup) bool { return true },
	}
	if c.edit != nil {
		c.edit(&in)
	}
	in.Allocs = testAllocs(t, c.allocs, oldJob, newJob)
	if got := describe(Run(in)); got != c.want {
		t.Errorf("got  %s\nwant %s", got, c.want)
	}
}

// describe lists the decisions by name; "a1<-1" is a placement of index 1 after the allocation of index 1.
func describe(r *Result) string {
	var out []string
	index := func(name string) string { return strings.TrimSuffix(strings.TrimPrefix(name, "job.app["), "]") }
	kinds := [...]string{"new", "lost", "migrate", "reschedule", "update", "stand in"}
	for _, g := range r.Groups {
		for _, s := range g.Stop {
			text := "stop " + index(s.Alloc.Name)
			if s.ClientStatus != "" {
				text += " as " + s.ClientStatus
			}
			out = append(out, text)
		}
		for _, a := range g.Disconnect {
			out = append(out, "unknown "+index(a.Name))
		}
		for _, a := range g.Reconnect {
			out = append(out, "back "+index(a.Name))
		}
		for _, a := range g.InPlace {
			out = append(out, "inplace "+index(a.Name))
		}
		for _, p := range slices.Concat(g.Place, g.Replace) {
			text := kinds[p.Kind] + " " + index(p.Name)
			if p.Canary {
				text = "canary " + index(p.Name)
			}
			if p.Job != nil {
				text += " as it was"
			}
			out = append(out, text)
		}
		for _, d := range g.Later {
			out = append(out, "later "+index(d.Alloc.Name))
		}
	}
	if r.Deployment != nil {
		out = append(out, "deployment")
	}
	for _, d := range r.DeploymentUpdates {
		out = append(out, d.Status)
	}
	return strings.Join(out, ", ")
}

func update(maxParallel int) func(in *Input) {
	return func(in *Input) {
		in.Deployment = &api.Deployment{
			ID: "d", JobVersion: 2, Status: api.DeploymentRunning,
			TaskGroups: map[string]*api.DeploymentState{"app": {DesiredTotal: 3}},
		}
		in.Job.TaskGroups[0].Update = &api.UpdateStrategy{MaxParallel: &maxParallel}
	}
}

// canaries asks for n of them in a rollout that has no deployment yet.
func canaries(n int) func(in *Input) {
	return func(in *Input) {
		in.Job.TaskGroups[0].Update = &api.UpdateStrategy{MaxParallel: new(1), Canary: &n}
		in.NewID = func() string { return "d" }
	}
}

// TestDeploymentOfResult: the evaluation names the deployment that it belongs to, and the one that it cancels as the job is
// stopped or purged, which "job stop" follows; not the one that a newer version without a rollout cancels.
func TestDeploymentOfResult(t *testing.T) {
	deployment := func(version uint64, status string) *api.Deployment {
		return &api.Deployment{ID: "d", JobVersion: version, Status: status}
	}
	for _, c := range []struct {
		name       string
		job        *api.Job
		deployment *api.Deployment
		want       string
	}{
		{"under way", &api.Job{Version: 1}, deployment(1, api.DeploymentRunning), "d"},
		{"stopped", &api.Job{Version: 2, Stop: true}, deployment(1, api.DeploymentRunning), "d"},
		{"stopped while paused", &api.Job{Version: 2, Stop: true}, deployment(1, api.DeploymentPaused), "d"},
		{"purged", nil, deployment(1, api.DeploymentRunning), "d"},
		{"stopped after the end", &api.Job{Version: 2, Stop: true}, deployment(1, api.DeploymentSuccessful), ""},
		{"newer", &api.Job{Version: 2}, deployment(1, api.DeploymentRunning), ""},
		{"none", &api.Job{Version: 2, Stop: true}, nil, ""},
	} {
		if got := Run(Input{Job: c.job, Now: epoch, Deployment: c.deployment}).DeploymentID; got != c.want {
			t.Errorf("%s: the deployment is %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReconcile(t *testing.T) {
	same := func(in *Input) { in.Job.TaskGroups[0].Tasks[0].Env["E"] = "a" }
	count := func(n int) func(in *Input) { return func(in *Input) { in.Job.TaskGroups[0].Count = &n } }
	for _, c := range []reconcileCase{
		{name: "nothing exists", want: "new 0, new 1, new 2"},
		{name: "all there", allocs: []string{"0 running", "1 pending", "2 running"}},
		{name: "gap is filled", allocs: []string{"0 running", "2 running"}, want: "new 1"},
		{name: "high index stays", allocs: []string{"7 running", "2 running"}, want: "new 0"},
		{name: "surplus", allocs: []string{"0 running", "1 running", "2 running", "3 running", "4 running"}, want: "stop 4, stop 3"},
		{name: "surplus takes migrating first", allocs: []string{"0 running migrate", "1 running", "2 running", "3 running"}, want: "stop 0"},
		{
			name: "surplus takes failed before running", allocs: []string{"0 failed", "1 running", "2 running", "3 running"},
			edit: func(in *Input) { in.Job.TaskGroups[0].ReschedulePolicy = nil }, want: "stop 0",
		},
		{name: "count 0", allocs: []string{"0 running", "1 failed", "2 complete"}, edit: count(0), want: "stop 0, stop 1"},
		{
			name: "stopped job", allocs: []string{"0 running", "1 complete", "2 running down", "3 running stop down", "4 running stop"},
			edit: func(in *Input) { in.Job.Stop = true }, want: "stop 0, stop 2 as lost, stop 3 as lost",
		},
		{name: "purged job", allocs: []string{"0 running", "1 pending"}, edit: func(in *Input) { in.Job = nil }, want: "stop 0, stop 1"},
		{name: "group removed", allocs: []string{"0 running"}, edit: func(in *Input) { in.Job.TaskGroups[0].Name = "x" }, want: "new job.x[0, new job.x[1, new job.x[2, stop 0"},
		{
			name: "lost", allocs: []string{"0 running down", "1 running gone", "2 pending disconnected"},
			want: "stop 0 as lost, stop 1 as lost, stop 2 as lost, lost 0, lost 1, lost 2",
		},
		{name: "lost beyond count", allocs: []string{"0 running", "1 running", "2 running", "3 running down"}, want: "stop 3 as lost"},
		{name: "lost while marked migrate", allocs: []string{"0 running", "1 running", "2 running down migrate"}, want: "stop 2 as lost, lost 2"},
		{name: "told to stop on a lost node", allocs: []string{"0 running", "1 running", "2 running", "3 running stop down"}, want: "stop 3 as lost"},
		{name: "finished on a lost node", allocs: []string{"0 running", "1 running", "2 failed down"}, want: "reschedule 2"},
		{name: "migrate", allocs: []string{"0 running", "1 running migrate", "2 running"}, want: "stop 1, migrate 1"},
		{name: "migrate quietly needs a batch job", allocs: []string{"0 running", "1 running migrate quiet", "2 running"}, want: "stop 1, migrate 1"},
		{name: "batch migrates quietly", batch: true, allocs: []string{"0 running", "1 running migrate quiet", "2 running"}, want: "stop 1"},
		{name: "batch migrated quietly", batch: true, allocs: []string{"0 running", "1 running stop migrate quiet", "2 running"}},
		{name: "failed", allocs: []string{"0 running", "1 failed", "2 running"}, want: "reschedule 1"},
		{name: "failed with successor", allocs: []string{"0 running", "1 failed next", "2 running"}, want: "new 1"},
		{
			name: "failed without policy", allocs: []string{"0 running", "1 failed", "2 running"},
			edit: func(in *Input) { in.Job.TaskGroups[0].ReschedulePolicy = nil },
		},
		{name: "failed and not needed", allocs: []string{"0 running", "1 running", "2 running", "3 failed"}, want: "stop 3"},
		{
			name: "failed later", allocs: []string{"0 running", "1 failed", "2 running"},
			edit: func(in *Input) {
				in.Job.TaskGroups[0].ReschedulePolicy.Delay = new(time.Hour)
			}, want: "later 1",
		},
		{
			name: "failed under a deployment", allocs: []string{"0 running", "1 failed deployed", "2 running"},
			edit: func(in *Input) {
				in.Deployment = &api.Deployment{ID: "d", JobVersion: 2, Status: api.DeploymentRunning}
			},
		},
		{
			name: "failed under a failed deployment", allocs: []string{"0 running", "1 failed deployed", "2 running"},
			edit: func(in *Input) { in.Deployment = &api.Deployment{ID: "d", JobVersion: 2, Status: api.DeploymentFailed} },
		},
		{
			name: "failed after a deployment", allocs: []string{"0 running", "1 failed deployed", "2 running"},
			edit: func(in *Input) {
				in.Deployment = &api.Deployment{ID: "d", JobVersion: 2, Status: api.DeploymentSuccessful}
			}, want: "reschedule 1",
		},
		{name: "service completed", allocs: []string{"0 running", "1 complete", "2 running"}, want: "new 1"},
		{name: "batch completed", batch: true, allocs: []string{"0 complete", "1 complete", "2 running"}},
		{name: "batch completed earlier version", batch: true, allocs: []string{"0 complete old", "1 complete", "2 running"}, want: "new 0"},
		{name: "batch failed earlier version", batch: true, allocs: []string{"0 failed old", "1 complete", "2 running"}, want: "new 0"},
		{name: "batch told to stop", batch: true, allocs: []string{"0 complete stop", "1 complete", "2 running"}, want: "new 0"},
		{name: "batch surplus leaves finished ones", batch: true, allocs: []string{"0 running", "1 complete", "2 complete", "3 complete"}, want: "stop 0"},
		{name: "in place", allocs: []string{"0 running old", "1 pending old", "2 running"}, edit: same, want: "inplace 0, inplace 1"},
		{
			name: "does not fit in place", allocs: []string{"0 running old", "1 running", "2 running"},
			edit: func(in *Input) {
				same(in)
				in.FitsInPlace = func(*api.Allocation, *api.TaskGroup) bool { return false }
			}, want: "update 0",
		},
		{name: "all at once", allocs: []string{"0 running old", "1 running old", "2 running old"}, want: "update 0, update 1, update 2"},
		{name: "max_parallel", allocs: []string{"0 running old", "1 running old", "2 running old"}, edit: update(2), want: "update 0, update 1"},
		{name: "max_parallel, one not healthy", allocs: []string{"0 pending deployed", "1 running old", "2 running old"}, edit: update(2), want: "update 1"},
		{name: "max_parallel, none free", allocs: []string{"0 pending deployed", "1 running old", "2 running old"}, edit: update(1)},
		{name: "health decides", allocs: []string{"0 pending healthy deployed", "1 running old", "2 running unhealthy deployed"}, edit: update(1)},
		{name: "health allows", allocs: []string{"0 pending healthy deployed", "1 running old", "2 running healthy deployed"}, edit: update(1), want: "update 1"},
		{name: "failed of the new version takes a place", allocs: []string{"0 failed", "1 running old", "2 running old"}, edit: update(2), want: "reschedule 0, update 1"},
		{
			name: "failed of the new version holds", allocs: []string{"0 failed", "1 running old", "2 running old"},
			edit: func(in *Input) { update(2)(in); in.Job.TaskGroups[0].ReschedulePolicy = nil },
		},
		{
			name: "failed of the old version goes first", allocs: []string{"0 running old", "1 running old", "2 failed old"},
			edit: func(in *Input) { update(1)(in); in.Job.TaskGroups[0].ReschedulePolicy = nil }, want: "update 2",
		},
		{name: "migrations count", allocs: []string{"0 running old", "1 running old", "2 running old migrate"}, edit: update(1), want: "stop 2, migrate 2"},
		{
			name: "paused deployment", allocs: []string{"0 running old", "1 running", "2 running"},
			edit: func(in *Input) {
				update(1)(in)
				in.Deployment = &api.Deployment{JobVersion: 2, Status: api.DeploymentPaused}
			},
		},
		{
			name: "older deployment is cancelled", allocs: []string{"0 running", "1 running", "2 running"},
			edit: func(in *Input) { in.Deployment = &api.Deployment{JobVersion: 1, Status: api.DeploymentRunning} }, want: "cancelled",
		},
		{name: "deployment of a stopped job", edit: func(in *Input) {
			in.Job.Stop = true
			in.Deployment = &api.Deployment{JobVersion: 2, Status: api.DeploymentRunning}
		}, want: "cancelled"},
		{
			name: "canary", allocs: []string{"0 running old", "1 running old", "2 running old"}, edit: canaries(2),
			want: "canary 0, canary 1, deployment",
		},
		{
			name:   "nothing but what was there while canaries run",
			allocs: []string{"0 running old", "1 failed old", "2 running old down", "0 running deployed canary"},
			edit: func(in *Input) {
				update(1)(in)
				in.Deployment.TaskGroups["app"].DesiredCanaries = 1
			}, want: "stop 2 as lost, lost 2 as it was, reschedule 1 as it was",
		},
		{
			name: "canary of another rollout", allocs: []string{"0 running old", "1 running old", "2 running old", "0 running canary"},
			edit: canaries(1), want: "stop 0, canary 0, deployment",
		},
		{
			name: "promoted", allocs: []string{"0 running old", "1 running old", "2 running old", "0 running healthy deployed"},
			edit: func(in *Input) {
				update(1)(in)
				in.Deployment.TaskGroups["app"].DesiredCanaries = 1
				in.Deployment.TaskGroups["app"].Promoted = true
			}, want: "stop 0, update 1",
		},
		{name: "names stay unique", allocs: []string{"0 running", "0 running down", "0 running gone"}, want: "stop 0 as lost, stop 0 as lost, lost 1, lost 2"},
	} {
		t.Run(c.name, c.run)
	}
}
