// SPDX-License-Identifier: MPL-2.0

package state

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nomadlike/nomadlike/api"
)

// script makes commits one after the other.
type script struct {
	t     *testing.T
	store *Store
	index uint64
}

func newScript(t *testing.T) *script { return &script{t: t, store: New(), index: 9} }

func (s *script) commit(do func(w *WriteTx)) {
	s.index++
	w := s.store.Begin(s.index, "Step")
	do(w)
	w.Commit()
}

func (s *script) now() *Snapshot { return s.store.Snapshot() }

func (s *script) job(j api.Job) {
	j.Namespace = "default"
	if j.ID == "" {
		j.ID = "j"
	}
	if j.TaskGroups == nil {
		j.TaskGroups = []*api.TaskGroup{{Name: "g"}}
	}
	if j.Status == "" {
		j.Status = api.JobStatusPending
	}
	s.commit(func(w *WriteTx) { Jobs.Put(w, &j) })
}

func (s *script) eval(id, status string, queued map[string]int) {
	s.commit(func(w *WriteTx) {
		Evals.Put(w, &api.Evaluation{ID: id, Namespace: "default", JobID: "j", Type: api.JobTypeService, Status: status, QueuedAllocations: queued})
	})
}

func (s *script) alloc(id, desired, client string) {
	s.commit(func(w *WriteTx) {
		a := &api.Allocation{ID: id, Namespace: "default", JobID: "j", TaskGroup: "g"}
		if old := Allocs.Get(w, id); old != nil {
			*a = *old
		} else {
			a.Job = Jobs.Get(w, "default", "j")
		}
		a.DesiredStatus, a.ClientStatus = desired, client
		Allocs.Put(w, a)
	})
}

func (s *script) deployment(status string) {
	s.commit(func(w *WriteTx) {
		Deployments.Put(w, &api.Deployment{ID: "d", Namespace: "default", JobID: "j", Status: status})
	})
}

func (s *script) collect(table func(w *WriteTx)) { s.commit(table) }

// TestJobStatus walks jobs through their life (scheduler.md 2.2).
func TestJobStatus(t *testing.T) {
	const (
		pending, running, dead = api.JobStatusPending, api.JobStatusRunning, api.JobStatusDead
		run, stop              = api.AllocDesiredRun, api.AllocDesiredStop
	)
	type step struct {
		what string
		do   func(s *script)
		want string
	}
	put := func(j api.Job) func(*script) { return func(s *script) { s.job(j) } }
	eval := func(id, status string) func(*script) { return func(s *script) { s.eval(id, status, nil) } }
	alloc := func(id, desired, client string) func(*script) {
		return func(s *script) { s.alloc(id, desired, client) }
	}
	deployment := func(status string) func(*script) { return func(s *script) { s.deployment(status) } }
	forget := func(s *script) {
		s.collect(func(w *WriteTx) { Evals.Delete(w, "e1"); Evals.Delete(w, "e2"); Allocs.Delete(w, "a1") })
	}
	for name, steps := range map[string][]step{
		"service": {
			{"registered", put(api.Job{Type: "service"}), pending},
			{"evaluated", eval("e1", api.EvalStatusPending), pending},
			{"placed", alloc("a1", run, api.AllocClientPending), running},
			{"evaluation complete", eval("e1", api.EvalStatusComplete), running},
			{"started", alloc("a1", run, api.AllocClientRunning), running},
			{"failed", alloc("a1", run, api.AllocClientFailed), dead},
			{"evaluated again", eval("e2", api.EvalStatusPending), pending},
			{"blocked", eval("e2", api.EvalStatusBlocked), pending},
			{"deployment", deployment(api.DeploymentRunning), running},
			{"deployment paused", deployment(api.DeploymentPaused), running},
			{"deployment failed", deployment(api.DeploymentFailed), pending},
			{"replaced", alloc("a2", run, api.AllocClientRunning), running},
			{"evaluation cancelled", eval("e2", api.EvalStatusCanceled), running},
			{"stopped", put(api.Job{Type: "service", Version: 1, Stop: true, Status: running}), running},
			{"asked to stop", alloc("a2", stop, api.AllocClientRunning), dead},
			{"collected", forget, dead},
			{"registered again", put(api.Job{Type: "service", Version: 2}), pending},
		},
		"batch that ends": {
			{"registered", put(api.Job{Type: "batch"}), pending},
			{"complete without placement", eval("e1", api.EvalStatusComplete), dead},
			{"placed", alloc("a1", run, api.AllocClientRunning), running},
			{"unknown", alloc("a1", run, api.AllocClientUnknown), running},
			{"done", alloc("a1", run, api.AllocClientComplete), dead},
			{"collected", forget, dead},
		},
		"stopped before it ran": {{"registered", put(api.Job{Type: "service", Stop: true}), dead}},
		"system": {
			{"registered", put(api.Job{Type: "system"}), running},
			{"evaluated", eval("e1", api.EvalStatusComplete), running},
			{"placed", alloc("a1", run, api.AllocClientRunning), running},
			{"stopped", put(api.Job{Type: "system", Version: 1, Stop: true, Status: running}), dead},
		},
		"sysbatch": {
			{"registered", put(api.Job{Type: "sysbatch"}), pending},
			{"placed", alloc("a1", run, api.AllocClientRunning), running},
			{"evaluated", eval("e1", api.EvalStatusComplete), running},
			{"done", alloc("a1", run, api.AllocClientComplete), dead},
		},
		"periodic": {
			{"registered", put(api.Job{Type: "batch", Periodic: &api.Periodic{Enabled: new(true)}}), running},
			{"stopped", put(api.Job{Type: "batch", Version: 1, Stop: true, Periodic: &api.Periodic{Enabled: new(true)}}), dead},
		},
		"parameterized": {
			{"registered", put(api.Job{Type: "batch", ParameterizedJob: &api.ParameterizedJob{}}), running},
			{"stopped", put(api.Job{Type: "batch", Version: 1, Stop: true, ParameterizedJob: &api.ParameterizedJob{}}), dead},
		},
		"dispatched": {
			{"registered", put(api.Job{Type: "batch", ParentID: "p", Dispatched: true, ParameterizedJob: &api.ParameterizedJob{}}), pending},
			{"placed", alloc("a1", run, api.AllocClientRunning), running},
			{"evaluated", eval("e1", api.EvalStatusComplete), running},
			{"done", alloc("a1", run, api.AllocClientComplete), dead},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			for _, step := range steps {
				step.do(s)
				j := Jobs.Get(s.now(), "default", "j")
				if j.Status != step.want {
					t.Errorf("%s: %s, want %s", step.what, j.Status, step.want)
				}
				if v := JobVersions.Get(s.now(), "default", "j", j.Version); v != j {
					t.Errorf("%s: the version's row is another one", step.what)
				}
			}
		})
	}
}

func TestSummary(t *testing.T) {
	s := newScript(t)
	want := func(what string, g api.TaskGroupSummary) {
		t.Helper()
		sum := JobSummaries.Get(s.now(), "default", "j")
		if sum.Summary["g"] != g {
			t.Errorf("%s: %+v, want %+v", what, sum.Summary["g"], g)
		}
	}
	s.job(api.Job{Type: "service"})
	want("registered", api.TaskGroupSummary{})
	s.eval("e1", api.EvalStatusPending, map[string]int{"g": 3, "other": 5})
	want("waiting", api.TaskGroupSummary{Queued: 3})
	if len(JobSummaries.Get(s.now(), "default", "j").Summary) != 1 {
		t.Error("an evaluation made a group that the job does not have")
	}
	s.alloc("a1", "run", api.AllocClientPending)
	s.alloc("a2", "run", api.AllocClientPending)
	want("placed", api.TaskGroupSummary{Queued: 1, Starting: 2})
	s.eval("e1", api.EvalStatusComplete, map[string]int{"g": 1})
	want("the rest is blocked", api.TaskGroupSummary{Queued: 1, Starting: 2})
	s.eval("e1", api.EvalStatusComplete, nil)
	want("evaluation that says nothing", api.TaskGroupSummary{Queued: 1, Starting: 2})
	s.alloc("a1", "run", api.AllocClientRunning)
	s.alloc("a2", "run", api.AllocClientRunning)
	s.alloc("a3", "run", api.AllocClientPending)
	s.alloc("a4", "run", api.AllocClientPending)
	want("running", api.TaskGroupSummary{Starting: 2, Running: 2})
	s.alloc("a1", "stop", api.AllocClientRunning)
	want("asked to stop", api.TaskGroupSummary{Starting: 2, Running: 2})
	s.alloc("a1", "stop", api.AllocClientComplete)
	s.alloc("a2", "run", api.AllocClientFailed)
	s.alloc("a3", "stop", api.AllocClientLost)
	s.alloc("a4", "run", api.AllocClientUnknown)
	want("ends", api.TaskGroupSummary{Complete: 1, Failed: 1, Lost: 1, Unknown: 1})
	s.commit(func(w *WriteTx) {
		for _, id := range []string{"a1", "a2", "a3", "a4"} {
			Allocs.Delete(w, id)
		}
	})
	want("collected", api.TaskGroupSummary{Complete: 1, Failed: 1, Lost: 1})
	s.job(api.Job{Type: "service", Version: 1, TaskGroups: []*api.TaskGroup{{Name: "g"}, {Name: "new"}}})
	want("new version", api.TaskGroupSummary{Complete: 1, Failed: 1, Lost: 1})
	if _, ok := JobSummaries.Get(s.now(), "default", "j").Summary["new"]; !ok {
		t.Error("a new group is not in the summary")
	}
	s.alloc("a5", "run", api.AllocClientRunning)
	s.commit(func(w *WriteTx) { ReconcileSummaries(w) })
	want("counted anew", api.TaskGroupSummary{Running: 1})

	// A job that takes the name of a purged one does not count the allocations of that.
	s.commit(func(w *WriteTx) { Jobs.Delete(w, "default", "j") })
	if JobSummaries.Get(s.now(), "default", "j") != nil {
		t.Error("the summary outlives its job")
	}
	s.job(api.Job{Type: "service"})
	s.alloc("a5", "stop", api.AllocClientComplete)
	want("namesake", api.TaskGroupSummary{})
}

// TestQueuedOfUnwantedGroups checks that nothing waits for a job that was stopped or a group that is gone.
func TestQueuedOfUnwantedGroups(t *testing.T) {
	groups := func(names ...string) (out []*api.TaskGroup) {
		for _, n := range names {
			out = append(out, &api.TaskGroup{Name: n})
		}
		return out
	}
	s := newScript(t)
	queued := func(what string, want map[string]int) {
		t.Helper()
		for name, n := range want {
			if got := JobSummaries.Get(s.now(), "default", "j").Summary[name].Queued; got != n {
				t.Errorf("%s: %d of group %s are queued, want %d", what, got, name, n)
			}
		}
	}
	s.job(api.Job{Type: "service", TaskGroups: groups("g", "h")})
	s.eval("e1", api.EvalStatusBlocked, map[string]int{"g": 3, "h": 2})
	queued("blocked", map[string]int{"g": 3, "h": 2})
	s.job(api.Job{Type: "service", Version: 1, TaskGroups: groups("g")})
	queued("without h", map[string]int{"g": 3, "h": 0})
	s.job(api.Job{Type: "service", Version: 2, Stop: true, TaskGroups: groups("g")})
	queued("stopped", map[string]int{"g": 0, "h": 0})
	s.eval("e1", api.EvalStatusCanceled, map[string]int{"g": 3})
	queued("the cancelled evaluation", map[string]int{"g": 0})
	s.job(api.Job{Type: "service", Version: 3, TaskGroups: groups("g")})
	s.eval("e2", api.EvalStatusComplete, map[string]int{"g": 1})
	queued("started again", map[string]int{"g": 1})
}

// TestChildren follows the counts of children through registration, status and purge.
func TestChildren(t *testing.T) {
	s := newScript(t)
	want := func(what string, c api.JobChildrenSummary) {
		t.Helper()
		if got := *JobSummaries.Get(s.now(), "default", "p").Children; got != c {
			t.Errorf("%s: %+v, want %+v", what, got, c)
		}
	}
	s.job(api.Job{ID: "p", Type: "batch", ParameterizedJob: &api.ParameterizedJob{}})
	s.job(api.Job{ID: "j", Type: "batch", ParentID: "p", Dispatched: true})
	s.job(api.Job{ID: "k", Type: "batch", ParentID: "p", Dispatched: true})
	want("dispatched", api.JobChildrenSummary{Pending: 2})
	s.alloc("a1", "run", api.AllocClientRunning)
	want("placed", api.JobChildrenSummary{Pending: 1, Running: 1})
	s.eval("e1", api.EvalStatusComplete, nil)
	s.alloc("a1", "run", api.AllocClientComplete)
	want("done", api.JobChildrenSummary{Pending: 1, Dead: 1})
	s.commit(func(w *WriteTx) { Jobs.Delete(w, "default", "j") })
	want("purged", api.JobChildrenSummary{Pending: 1})
}

func TestVersions(t *testing.T) {
	s := newScript(t)
	for v := range uint64(10) {
		j := api.Job{Type: "service", Version: v}
		if v == 1 {
			j.VersionTag = &api.JobVersionTag{Name: "gold"}
		}
		s.job(j)
		s.commit(func(w *WriteTx) {
			JobSubmissions.Put(w, &api.JobSubmission{Namespace: "default", JobID: "j", Version: v, Source: fmt.Sprint(v), JobModifyIndex: s.index})
			JobVersions.Trim(w, "default", "j", 3)
		})
	}
	var versions, sources []uint64
	for v := range JobVersions.Of(s.now(), "default", "j") {
		versions = append(versions, v.Version)
	}
	for v := range uint64(10) {
		if JobSubmissions.Get(s.now(), "default", "j", v) != nil {
			sources = append(sources, v)
		}
	}
	if diff := cmp.Diff([]uint64{9, 8, 7, 1}, versions); diff != "" {
		t.Errorf("versions: %s", diff)
	}
	if diff := cmp.Diff([]uint64{1, 7, 8, 9}, sources); diff != "" {
		t.Errorf("sources: %s", diff)
	}
	s.commit(func(w *WriteTx) { Jobs.Delete(w, "default", "j") })
	if n := JobVersions.Len(s.now()) + JobSubmissions.Len(s.now()); n != 0 {
		t.Errorf("%d rows of versions outlive the job", n)
	}
}

// TestDeploymentCounters follows a group through a rollout (scheduler.md 9.3).
func TestDeploymentCounters(t *testing.T) {
	s := newScript(t)
	s.job(api.Job{Type: "service"})
	s.commit(func(w *WriteTx) {
		Deployments.Put(w, &api.Deployment{
			ID: "d", Namespace: "default", JobID: "j", Status: api.DeploymentRunning,
			TaskGroups: map[string]*api.DeploymentState{"g": {DesiredTotal: 3, DesiredCanaries: 1, ProgressDeadline: 100e9}},
		})
	})
	put := func(id string, at int64, canary bool, healthy *bool) {
		s.commit(func(w *WriteTx) {
			Allocs.Put(w, &api.Allocation{
				ID: id, Namespace: "default", JobID: "j", TaskGroup: "g", DeploymentID: "d", ClientStatus: api.AllocClientRunning, ModifyTime: at * 1e9,
				DeploymentStatus: &api.AllocDeploymentStatus{Canary: canary, Healthy: healthy},
			})
		})
	}
	yes, no := new(true), new(false)
	for _, step := range []struct {
		what                       string
		do                         func()
		placed, healthy, unhealthy int
		by                         int64
	}{
		{"canary placed", func() { put("a1", 10, true, nil) }, 1, 0, 0, 110},
		{"one more placed", func() { put("a2", 20, false, nil) }, 2, 0, 0, 110},
		{"first healthy", func() { put("a1", 30, true, yes) }, 2, 1, 0, 130},
		{"said again", func() { put("a1", 50, true, yes) }, 2, 1, 0, 130},
		{"second unhealthy", func() { put("a2", 60, false, no) }, 2, 1, 1, 130},
		{"second healthy after all", func() { put("a2", 70, false, yes) }, 2, 2, 0, 170},
		{"placed healthy", func() { put("a3", 80, false, yes) }, 3, 3, 0, 180},
		{"collected", func() { s.commit(func(w *WriteTx) { Allocs.Delete(w, "a2") }) }, 3, 3, 0, 180},
	} {
		step.do()
		g := Deployments.Get(s.now(), "d").TaskGroups["g"]
		if g.PlacedAllocs != step.placed || g.HealthyAllocs != step.healthy || g.UnhealthyAllocs != step.unhealthy ||
			g.RequireProgressBy == nil || g.RequireProgressBy.Unix() != step.by || !slices.Equal(g.PlacedCanaries, []string{"a1"}) {
			t.Errorf("%s: %+v", step.what, g)
		}
	}
	if LatestDeployment(s.now(), "default", "j").ID != "d" || LatestDeployment(s.now(), "default", "none") != nil {
		t.Error("wrong latest deployment")
	}
}
